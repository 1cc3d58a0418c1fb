// The least that a proxy can cost: one thread, epoll, a pipe a direction, and the kernel moves the bytes (splice).
//
//     proxy HOST PORT
//
// Prints the port that it listens at, and goes on until it is stopped.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define SIZE (1 << 20)

struct lane {
    int from, to, pipe[2];
    ssize_t held;
    int ended;
};

struct pair {
    struct lane lanes[2];
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// 0 while it waits for one side, 1 at its end.
static int move(struct lane *lane) {
    unsigned flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;
    for (;;) {
        while (lane->held > 0) {
            ssize_t moved = splice(lane->pipe[0], NULL, lane->to, NULL, (size_t)lane->held, flags);
            if (moved < 0) return errno == EAGAIN ? 0 : 1;
            lane->held -= moved;
        }
        if (lane->ended) return 1;
        ssize_t moved = splice(lane->from, NULL, lane->pipe[1], NULL, SIZE, flags);
        if (moved < 0) return errno == EAGAIN ? 0 : 1;
        if (moved == 0) {
            lane->ended = 1;
            shutdown(lane->to, SHUT_WR);
            return 1;
        }
        lane->held = moved;
    }
}

static void drop(struct pair *pair) {
    for (int way = 0; way < 2; way++) {
        close(pair->lanes[way].from);
        close(pair->lanes[way].pipe[0]);
        close(pair->lanes[way].pipe[1]);
    }
    free(pair);
}

static void take_in(int poll, int client, struct sockaddr_in *to) {
    int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || connect(server, (struct sockaddr *)to, sizeof *to) < 0) fail("connect");
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair) fail("calloc");
    int sides[2] = {client, server};
    for (int way = 0; way < 2; way++) {
        struct lane *lane = &pair->lanes[way];
        lane->from = sides[way];
        lane->to = sides[1 - way];
        if (pipe2(lane->pipe, O_NONBLOCK | O_CLOEXEC) < 0) fail("pipe2");
        fcntl(lane->pipe[1], F_SETPIPE_SZ, SIZE);
        setsockopt(sides[way], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(sides[way], F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = pair};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, sides[way], &event) < 0) fail("epoll_ctl");
    }
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "proxy HOST PORT\n"), 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[2]))};
    if (inet_pton(AF_INET, arguments[1], &to.sin_addr) != 1) fail("inet_pton");
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof own;
    int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    if (bind(listener, (struct sockaddr *)&own, length) < 0 || listen(listener, 4096) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&own, &length);
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        struct pair *dropped[EVENTS];
        int drops = 0;
        for (int n = 0; n < ready; n++) {
            struct pair *pair = events[n].data.ptr;
            if (!pair) {
                int client = accept(listener, NULL, NULL);
                if (client >= 0) take_in(poll, client, &to);
                continue;
            }
            int gone = 0;
            for (int d = 0; d < drops; d++) gone |= dropped[d] == pair;
            if (!gone && (move(&pair->lanes[0]) & move(&pair->lanes[1]))) dropped[drops++] = pair;
        }
        for (int d = 0; d < drops; d++) drop(dropped[d]);
    }
}
