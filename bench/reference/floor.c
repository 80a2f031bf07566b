/* The smallest program that can take a service's place: a thread per connection, no checks, a fixed answer.

   floor BYTES SERVICE=HOST:PORT,SERVICE=HOST:PORT;SERVICE=HOST:PORT

   prints its port and answers every request with BYTES bytes. Before, it calls the services: those between commas at
   once, those after a semicolon when the ones before have answered. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 8

struct call { char request[256]; struct sockaddr_in at; int first; };
static struct call calls[MOST];
static int count, size;

static void nodelay(int socket_) {
    int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Reads one message; 0 when the connection has ended. */
static int message(int socket_, char *buffer, int room) {
    int have = 0;
    for (;;) {
        int got = read(socket_, buffer + have, room - 1 - have);
        if (got <= 0) return 0;
        buffer[have += got] = 0;
        char *body = strstr(buffer, "\r\n\r\n");
        if (!body) continue;
        char *length = strcasestr(buffer, "content-length:");
        if (have - (body + 4 - buffer) >= (length && length < body ? atoi(length + 15) : 0)) return 1;
    }
}

static void *serve(void *argument) {
    int client = (int)(long)argument, upstream[MOST];
    char *buffer = malloc(65536), *answer = malloc(size + 128);
    int total = sprintf(answer, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", size);
    memset(answer + total, ' ', size);
    for (int i = 0; i < count; i++) upstream[i] = -1;
    while (message(client, buffer, 65536)) {
        for (int i = 0; i < count;) {
            int from = i;
            do {
                if (upstream[i] < 0) {
                    nodelay(upstream[i] = socket(AF_INET, SOCK_STREAM, 0));
                    if (connect(upstream[i], (struct sockaddr *)&calls[i].at, sizeof calls[i].at)) exit(1);
                }
                if (write(upstream[i], calls[i].request, strlen(calls[i].request)) < 0) exit(1);
            } while (++i < count && !calls[i].first);
            for (; from < i; from++)
                if (!message(upstream[from], buffer, 65536)) exit(1);
        }
        if (write(client, answer, total + size) < 0) break;
    }
    for (int i = 0; i < count; i++) if (upstream[i] >= 0) close(upstream[i]);
    close(client);
    free(buffer);
    free(answer);
    return 0;
}

int main(int arguments, char **argument) {
    size = atoi(argument[1]);
    char *text = arguments > 2 ? argument[2] : "", *stage, *stages;
    for (stage = strtok_r(text, ";", &stages); stage; stage = strtok_r(0, ";", &stages)) {
        char *one, *ones;
        int first = 1;
        for (one = strtok_r(stage, ",", &ones); one; one = strtok_r(0, ",", &ones), first = 0) {
            char service[32], host[32];
            int port;
            if (count == MOST || sscanf(one, "%31[^=]=%31[^:]:%d", service, host, &port) != 3) return 2;
            struct call *call = &calls[count++];
            call->first = first;
            call->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
            inet_pton(AF_INET, host, &call->at.sin_addr);
            sprintf(call->request, "GET /%s HTTP/1.1\r\nhost: %s:7000\r\n\r\n", service, service);
        }
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) return 1;
    getsockname(listener, (struct sockaddr *)&at, &length);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, 0, 0);
        if (client < 0) return 1;
        nodelay(client);
        pthread_t thread;
        pthread_create(&thread, 0, serve, (void *)(long)client);
        pthread_detach(thread);
    }
}
