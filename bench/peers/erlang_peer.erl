%% Erlang's side: a process for each connection, on one scheduler.
%%   poem FILE BYTES | slow FILE COUNT MILLISECONDS | echo    prints "listening PORT"
-module(erlang_peer).
-export([main/1]).

main([poem, File, Bytes]) ->
    Poem = load(File, number(Bytes)),
    serve(fun(Socket) -> gen_tcp:send(Socket, Poem), gen_tcp:close(Socket) end);
main([slow, File, Count, Milliseconds]) ->
    Poem = load(File, 0),
    {N, Delay} = {number(Count), number(Milliseconds)},
    serve(fun(Socket) -> slow(Socket, Poem, 0, N, Delay) end);
main([echo]) ->
    serve(fun echo/1).

number(Word) -> list_to_integer(atom_to_list(Word)).

load(File, Bytes) ->
    {ok, Text} = file:read_file(atom_to_list(File)),
    case Bytes of
        0 -> Text;
        _ -> binary:part(binary:copy(Text, Bytes div byte_size(Text) + 1), 0, Bytes)
    end.

serve(Conversation) ->
    {ok, Listener} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {backlog, 4096},
                                        {nodelay, true}, {reuseaddr, true}]),
    {ok, Port} = inet:port(Listener),
    io:format("listening ~p~n", [Port]),
    accept(Listener, Conversation).

accept(Listener, Conversation) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> Conversation(Socket) end end),
    gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener, Conversation).

slow(Socket, Poem, At, N, Delay) when At + N =< byte_size(Poem) ->
    case gen_tcp:send(Socket, binary:part(Poem, At, N)) of
        ok -> timer:sleep(Delay), slow(Socket, Poem, At + N, N, Delay);
        _ -> gen_tcp:close(Socket)
    end;
slow(Socket, Poem, At, _, _) ->
    gen_tcp:send(Socket, binary:part(Poem, At, byte_size(Poem) - At)),
    gen_tcp:close(Socket).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} -> gen_tcp:send(Socket, Data), echo(Socket);
        _ -> gen_tcp:close(Socket)
    end.
