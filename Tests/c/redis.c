/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "redis.h"
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t server;

static bool answers(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connection >= 0);
    char reply[8] = "";
    bool is_there = connect(connection, (struct sockaddr *)&address, sizeof address) == 0
        && write(connection, "PING\r\n", 6) == 6 && read(connection, reply, sizeof reply - 1) > 0
        && strncmp(reply, "+PONG", 5) == 0;
    close(connection);
    return is_there;
}

const char *start_redis(void) {
    static char url[256];
    const char *path = test_path("redis.sock");
    struct sockaddr_un address;
    REQUIRE(strlen(path) < sizeof address.sun_path);
    fflush(stdout);
    server = fork();
    REQUIRE(server >= 0);
    if (server == 0) {
        /* It must not outlive a test that crashes. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int log = open(test_path("redis.log"), O_WRONLY | O_CREAT, 0600);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", test_directory(), NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !answers(path); i++) {
        REQUIRE(waitpid(server, NULL, WNOHANG) == 0);
        nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    }
    REQUIRE(answers(path));
    snprintf(url, sizeof url, "unix://%s", path);
    return url;
}

void kill_redis(void) {
    REQUIRE(kill(server, SIGKILL) == 0);
    REQUIRE(waitpid(server, NULL, 0) == server);
}
