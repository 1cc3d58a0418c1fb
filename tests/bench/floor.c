// The least that a load generator can cost: one thread, epoll, one prepared request, the shortest look at an answer.
//
//     floor HOST PORT PATH CONNECTIONS SECONDS [RATE]
//
// Without a rate every connection asks again as soon as it is answered. With one, request k is due k/RATE seconds after
// the start, is sent on a free connection, and its latency counts from when it was due. At the end one line says how many
// were answered, how many not as expected, and quantiles of the latency in milliseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define EVENTS 256
// Latencies are counted in steps of 10us up to 4s.
#define STEP 10000
#define STEPS 400000

struct connection {
    int fd;
    uint64_t since; // When the request under way was sent, or was due.
};

static struct connection *connections;
static int *idle, idle_count;
static char request[2048];
static size_t request_length;
static uint64_t answered, wrong, sent, counts[STEPS + 1];

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void ask(struct connection *connection, uint64_t since) {
    connection->since = since;
    sent++;
    if (send(connection->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) wrong++;
}

// Small answers come in one piece; anything else counts as wrong.
static int is_whole(char *answer, size_t length) {
    answer[length] = 0;
    char *end = memmem(answer, length, "\r\n\r\n", 4);
    char *field = strcasestr(answer, "\ncontent-length:");
    return end && field && field < end && !memcmp(answer, "HTTP/1.1 200", 12) &&
           answer + length == end + 4 + atoi(field + 16);
}

static void count(uint64_t latency) {
    uint64_t step = latency / STEP;
    counts[step < STEPS ? step : STEPS]++;
}

static double quantile(double share) {
    uint64_t wanted = (uint64_t)(share * (double)answered), seen = 0;
    for (int step = 0; step <= STEPS; step++)
        if ((seen += counts[step]) >= wanted && seen) return step * (STEP / 1e6);
    return 0;
}

static void connect_all(const char *host, int port, int many, int poll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "%s is no address\n", host);
        exit(2);
    }
    connections = calloc((size_t)many, sizeof *connections);
    idle = calloc((size_t)many, sizeof *idle);
    if (!connections || !idle) fail("memory");
    for (int i = 0; i < many; i++) {
        int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
        connections[i].fd = fd;
        idle[idle_count++] = i;
    }
}

// Sends what is due. Returns how long to wait for the next, or no limit.
static uint64_t dispatch(uint64_t start, double rate, uint64_t planned) {
    for (;;) {
        if (sent == planned || !idle_count) return UINT64_MAX;
        uint64_t due = start + (uint64_t)((double)sent * 1e9 / rate), at = now();
        if (due > at) return due - at;
        ask(&connections[idle[--idle_count]], due);
    }
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "floor HOST PORT PATH CONNECTIONS SECONDS [RATE]\n");
        return 2;
    }
    int many = atoi(argv[4]), poll = epoll_create1(EPOLL_CLOEXEC);
    double seconds = atof(argv[5]), rate = argc > 6 ? atof(argv[6]) : 0;
    if (poll < 0) fail("epoll_create1");
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", argv[3], argv[1], argv[2]);
    if (length < 0 || (size_t)length >= sizeof request) return 2;
    request_length = (size_t)length;
    // The kernel may otherwise delay a sleep by 50us.
    prctl(PR_SET_TIMERSLACK, 1);
    connect_all(argv[1], atoi(argv[2]), many, poll);

    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9);
    uint64_t planned = (uint64_t)(rate * seconds);
    if (!planned)
        while (idle_count) ask(&connections[idle[--idle_count]], now());
    static char answer[65536];
    struct epoll_event events[EVENTS];
    for (;;) {
        uint64_t wait = SECOND;
        if (planned) {
            uint64_t next = dispatch(start, rate, planned);
            if (sent == planned && idle_count == many) break;
            if (now() > end + 5 * SECOND) break;
            if (next < wait) wait = next;
        } else if (now() >= end) {
            break;
        }
        struct timespec timeout = {.tv_sec = (time_t)(wait / SECOND), .tv_nsec = (long)(wait % SECOND)};
        int ready = epoll_pwait2(poll, events, EVENTS, &timeout, NULL);
        if (ready < 0 && errno != EINTR) fail("epoll_pwait2");
        for (int i = 0; i < ready; i++) {
            int index = (int)events[i].data.u32;
            struct connection *connection = &connections[index];
            ssize_t got = recv(connection->fd, answer, sizeof answer - 1, 0);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                fprintf(stderr, "a connection was closed\n");
                return 1;
            }
            if (!is_whole(answer, (size_t)got)) wrong++;
            uint64_t at = now();
            count(at - connection->since);
            answered++;
            if (planned)
                idle[idle_count++] = index;
            else
                ask(connection, at);
        }
    }
    double elapsed = (double)(now() - start) / 1e9;
    printf("answered %llu wrong %llu per_second %.0f p50 %.2f p90 %.2f p99 %.2f p99.9 %.2f\n",
           (unsigned long long)answered, (unsigned long long)wrong, (double)answered / elapsed, quantile(0.5),
           quantile(0.9), quantile(0.99), quantile(0.999));
    return 0;
}
