"""Twisted's side, on the reactor that Twisted takes by itself (epoll, on Linux).

  twisted_peer.py poem FILE BYTES | slow FILE COUNT MILLISECONDS | echo      prints "listening PORT"
  twisted_peer.py timers COUNT       prints nanoseconds of: schedule, schedule and cancel, reset, cancel, fire
  twisted_peer.py deferreds COUNT    prints nanoseconds of: create, one callback, fire
  twisted_peer.py get PORT..         downloads from all at once, and prints each poem when it is whole
"""

import random
import sys
import time

from twisted.internet import defer, protocol, reactor


def load(path, count):
    with open(path, "rb") as file:
        text = file.read()
    return (text * (count // len(text) + 1))[:count] if count else text


class Poem(protocol.Protocol):
    def connectionMade(self):
        self.transport.write(self.factory.poem)
        self.transport.loseConnection()


class Slow(protocol.Protocol):
    def connectionMade(self):
        self.at = 0
        self.call = None
        self.piece()

    def piece(self):
        factory = self.factory
        self.transport.write(factory.poem[self.at : self.at + factory.count])
        self.at += factory.count
        if self.at < len(factory.poem):
            self.call = reactor.callLater(factory.delay, self.piece)
        else:
            self.call = None
            self.transport.loseConnection()

    def connectionLost(self, reason):
        if self.call is not None:
            self.call.cancel()
            self.call = None


class Echo(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Getter(protocol.Protocol):
    def connectionMade(self):
        self.pieces = []

    def dataReceived(self, data):
        self.pieces.append(data)

    def connectionLost(self, reason):
        self.factory.ended(b"".join(self.pieces))


def serve(kind, **settings):
    factory = protocol.ServerFactory()
    factory.protocol = kind
    factory.noisy = False
    for name, value in settings.items():
        setattr(factory, name, value)
    port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")
    print("listening", port.getHost().port, flush=True)
    reactor.run()


def get(ports):
    left = len(ports)

    def ended(poem):
        nonlocal left
        sys.stdout.buffer.write(poem)
        left -= 1
        if not left:
            reactor.stop()

    for port in ports:
        factory = protocol.ClientFactory()
        factory.protocol = Getter
        factory.noisy = False
        factory.ended = ended
        factory.clientConnectionFailed = lambda connector, reason: ended(b"")
        reactor.connectTCP("127.0.0.1", int(port), factory)
    reactor.run()
    sys.stdout.buffer.flush()


def each(count, work):
    begun = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun) / count


def timers(count):
    delays = [random.uniform(1, 1000) for _ in range(count)]
    results = []

    def measure():
        kept = []
        add = kept.append
        results.append(each(count, lambda: [add(reactor.callLater(delay, int)) for delay in delays]))
        results.append(each(count, lambda: [reactor.callLater(delay, int).cancel() for delay in delays]))
        results.append(each(count, lambda: [call.reset(1000) for call in kept]))
        results.append(each(count, lambda: [call.cancel() for call in kept]))
        begun = time.thread_time_ns()

        def fired():
            results.append((time.thread_time_ns() - begun) / count)
            reactor.stop()

        for delay in delays:
            reactor.callLater(delay / 1e9, int)
        reactor.callLater(0.001, fired)

    reactor.callWhenRunning(measure)
    reactor.run()
    print(*results)


def deferreds(count):
    def one():
        for _ in range(count):
            d = defer.Deferred()
            d.addCallback(lambda n: n + 1)
            d.callback(1)

    print(each(count, one))


def main(words):
    what = words[0] if words else ""
    if what == "poem":
        serve(Poem, poem=load(words[1], int(words[2])))
    elif what == "slow":
        serve(Slow, poem=load(words[1], 0), count=int(words[2]), delay=int(words[3]) / 1000)
    elif what == "echo":
        serve(Echo)
    elif what == "timers":
        timers(int(words[1]))
    elif what == "deferreds":
        deferreds(int(words[1]))
    elif what == "get":
        get(words[1:])
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
