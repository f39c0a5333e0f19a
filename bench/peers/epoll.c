/* The floor: what a C program does with epoll and nothing between it and the kernel.
 *
 *   epoll poem FILE BYTES direct|register|drain    the file, repeated up to BYTES, to everybody
 *   epoll slow FILE COUNT MILLISECONDS             COUNT bytes of it at a time
 *   epoll echo
 *
 * direct:   writes in the accept loop and closes at once; epoll hears of a connection only if its buffer is full.
 * register: registers each connection first and writes when epoll says that it may.
 * drain:    closes as politely as our default does, in the cheapest way we know: FIN, and after 20 ms one look whether
 *           the client has finished too; only who has not is registered, read and discarded until it has, at most 16 MiB,
 *           2 s of silence and 30 s in all.
 *
 * Prints "listening PORT". */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024, BACKLOG = 4096 };
enum { SWEEP_AFTER_MS = 20, SILENCE_MS = 2000, DRAIN_MS = 30000, DISCARD_BYTES = 16 << 20 };
enum closing { DIRECT, REGISTER, DRAIN };

/* One connection. In one list at a time, each in the order of its times. */
struct conn {
    struct conn *next, *previous;
    uint64_t due, finished;
    size_t at;
    uint32_t discarded;
    int fd, watched;
};

/* A list by which nothing is allocated. */
struct list {
    struct conn head;
};

static int poller, listener;
static char *poem;
static size_t poem_bytes;
static enum closing closing;
static char scratch[64 * 1024];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void list_init(struct list *l) { l->head.next = l->head.previous = &l->head; }
static int list_is_empty(struct list *l) { return l->head.next == &l->head; }

static void list_append(struct list *l, struct conn *c) {
    c->next = &l->head;
    c->previous = l->head.previous;
    l->head.previous->next = c;
    l->head.previous = c;
}

static void unlist(struct conn *c) {
    if (c->next) {
        c->next->previous = c->previous;
        c->previous->next = c->next;
        c->next = c->previous = NULL;
    }
}

static void load(const char *path, size_t bytes) {
    FILE *f = fopen(path, "rb");
    if (!f) die(path);
    static char text[1 << 20];
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    if (n == 0) die("an empty poem");
    poem_bytes = bytes ? bytes : n;
    poem = malloc(poem_bytes);
    if (!poem) die("malloc");
    for (size_t at = 0; at < poem_bytes; at += n) memcpy(poem + at, text, poem_bytes - at < n ? poem_bytes - at : n);
}

static void listen_anywhere(void) {
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* inherited by what it accepts */
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, BACKLOG)) die("listen");
    getsockname(listener, (struct sockaddr *)&a, &size);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e)) die("epoll");
    printf("listening %d\n", ntohs(a.sin_port));
    fflush(stdout);
}

static void watch(struct conn *c, uint32_t events) {
    struct epoll_event e = {.events = events | EPOLLET, .data.ptr = c};
    if (c->watched) return;
    c->watched = 1;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e)) die("epoll_ctl");
}

static struct conn *new_conn(int fd) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c) die("calloc");
    c->fd = fd;
    return c;
}

static void end(struct conn *c) {
    unlist(c);
    close(c->fd);
    free(c);
}

/* Poems ---------------------------------------------------------------------------------------------------------- */

static struct list swept, silent; /* after the FIN: not looked at yet; registered */

/* Writes what there is room for. 1: all is written, 0: blocked, -1: the client is gone. */
static int write_poem(int fd, size_t *at) {
    while (*at < poem_bytes) {
        ssize_t n = send(fd, poem + *at, poem_bytes - *at, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : errno == EINTR ? 0 : -1;
        *at += (size_t)n;
    }
    return 1;
}

static void begin_draining(struct conn *c, uint64_t now) {
    shutdown(c->fd, SHUT_WR);
    c->finished = now;
    c->due = now + SWEEP_AFTER_MS;
    list_append(&swept, c);
}

/* Reads and forgets. 1: the client has finished or is gone, 0: not yet. */
static int discard(struct conn *c) {
    for (;;) {
        ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
        if (n <= 0) return !(n < 0 && errno == EAGAIN);
        c->discarded += (uint32_t)n;
        if (c->discarded > DISCARD_BYTES) {
            struct linger reset = {1, 0};
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            return 1;
        }
    }
}

static void written(struct conn *c, uint64_t now) {
    if (closing == DRAIN) begin_draining(c, now);
    else end(c);
}

static void accept_poem_readers(void) {
    uint64_t now = now_ms();
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        size_t at = 0;
        int done = closing == REGISTER ? 0 : write_poem(fd, &at);
        if (done && closing != DRAIN) {
            close(fd);
            continue;
        }
        struct conn *c = new_conn(fd);
        c->at = at;
        if (done > 0) begin_draining(c, now);
        else if (done < 0) end(c);
        else watch(c, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    }
}

static void poem_event(struct conn *c, uint32_t events) {
    if (c->finished) { /* draining */
        if (discard(c)) return end(c);
        unlist(c);
        c->due = now_ms() + SILENCE_MS;
        return list_append(&silent, c);
    }
    int done = write_poem(c->fd, &c->at);
    if (done > 0) written(c, now_ms());
    else if (done < 0 || events & (EPOLLERR | EPOLLHUP)) end(c);
}

static int sweep(void) {
    uint64_t now = now_ms();
    while (!list_is_empty(&swept) && swept.head.next->due <= now) {
        struct conn *c = swept.head.next;
        unlist(c);
        if (discard(c)) {
            end(c);
            continue;
        }
        c->due = now + SILENCE_MS;
        list_append(&silent, c);
        watch(c, EPOLLIN | EPOLLRDHUP);
    }
    while (!list_is_empty(&silent) &&
           (silent.head.next->due <= now || silent.head.next->finished + DRAIN_MS <= now))
        end(silent.head.next);
    if (!list_is_empty(&swept)) return (int)(swept.head.next->due - now);
    if (!list_is_empty(&silent)) return (int)(silent.head.next->due - now);
    return -1;
}

/* Slow poems ------------------------------------------------------------------------------------------------------ */

static struct list waiting;
static size_t slow_count;
static uint64_t slow_ms;

static void write_piece(struct conn *c, uint64_t now) {
    size_t n = poem_bytes - c->at < slow_count ? poem_bytes - c->at : slow_count;
    ssize_t sent = send(c->fd, poem + c->at, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return end(c);
    if (sent > 0) c->at += (size_t)sent;
    if (c->at == poem_bytes) return end(c);
    c->due = now + slow_ms;
    list_append(&waiting, c);
}

static void accept_slow_readers(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        struct conn *c = new_conn(fd);
        watch(c, EPOLLIN | EPOLLRDHUP);
        write_piece(c, now_ms());
    }
}

static void slow_event(struct conn *c, uint32_t events) {
    (void)events;
    if (discard(c)) end(c);
}

static int write_due(void) {
    uint64_t now = now_ms();
    while (!list_is_empty(&waiting) && waiting.head.next->due <= now) {
        struct conn *c = waiting.head.next;
        unlist(c);
        write_piece(c, now);
    }
    return list_is_empty(&waiting) ? -1 : (int)(waiting.head.next->due - now);
}

/* Echo ------------------------------------------------------------------------------------------------------------ */

static void accept_speakers(void) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        watch(new_conn(fd), EPOLLIN | EPOLLRDHUP);
    }
}

/* The generator never has more under way than a socket's buffer takes, so a blocked write ends the connection. */
static void echo_event(struct conn *c, uint32_t events) {
    for (;;) {
        ssize_t n = recv(c->fd, scratch, sizeof scratch, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0 || send(c->fd, scratch, (size_t)n, MSG_NOSIGNAL) != n) return end(c);
        /* A short read: nothing more is there, unless the client has finished too. */
        if ((size_t)n < sizeof scratch && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) return;
    }
}

static int nothing_due(void) { return -1; }

static void serve(void (*accepts)(void), void (*event)(struct conn *, uint32_t), int (*timers)(void)) {
    static struct epoll_event events[EVENTS_MAX];
    listen_anywhere();
    for (;;) {
        int timeout = timers();
        int n = epoll_wait(poller, events, EVENTS_MAX, timeout);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c) event(c, events[i].events);
            else accepts();
        }
    }
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    list_init(&swept), list_init(&silent), list_init(&waiting);
    if (argc == 5 && !strcmp(argv[1], "poem")) {
        load(argv[2], (size_t)atoll(argv[3]));
        closing = !strcmp(argv[4], "direct") ? DIRECT : !strcmp(argv[4], "register") ? REGISTER : DRAIN;
        serve(accept_poem_readers, poem_event, sweep);
    }
    if (argc == 5 && !strcmp(argv[1], "slow")) {
        load(argv[2], 0);
        slow_count = (size_t)atoll(argv[3]), slow_ms = (uint64_t)atoll(argv[4]);
        serve(accept_slow_readers, slow_event, write_due);
    }
    if (argc == 2 && !strcmp(argv[1], "echo")) serve(accept_speakers, echo_event, nothing_due);
    fprintf(stderr, "epoll: poem FILE BYTES direct|register|drain | slow FILE COUNT MILLISECONDS | echo\n");
    return 2;
}
