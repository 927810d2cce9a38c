/* terminal.c: runs a command on a pseudo-terminal and talks to it, for the tests.
 *
 *   terminal STEPS COMMAND [ARGUMENT...]
 *
 * STEPS is a file with a step a line: `type TEXT` sends text (\r, \n, \t, \e, \\ and \xHH
 * are escapes), `expect TEXT` waits until the text has come since the last one that was
 * expected, `file PATH` until that file is there, `end` until the command has ended;
 * `hang up` is a terminal that is closed, as far as the command hears of it. Everything
 * that came is printed; the last line is "ok, exit status N", or what was waited for in
 * vain. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define ROOM        (1 << 20)

static char came[ROOM]; /* all output so far */
static size_t count, seen;
static int terminal;
static pid_t child;

static pid_t start(char **command) {
  terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) return -1;
  const char *name = ptsname(terminal);
  pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  int side = open(name, O_RDWR);
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  ioctl(side, TIOCSWINSZ, &size);
  dup2(side, 0), dup2(side, 1), dup2(side, 2);
  setenv("TERM", "xterm", 1);
  execvp(command[0], command);
  _exit(127);
}

/* A prompt asks the terminal to mark what is pasted, and stops asking: that is not to be
 * seen. Takes it out of what has come since `from`. */
static void take_out(size_t from) {
  static const char *const asked[] = {"\033[?2004h", "\033[?2004l"};
  for (int i = 0; i < 2; i++) {
    size_t length = strlen(asked[i]);
    for (char *at; (at = strstr(came + from, asked[i]));) {
      memmove(at, at + length, strlen(at + length) + 1);
      count -= length;
    }
  }
}

/* Reads what comes within so many milliseconds; false when nothing did, or the command
 * has ended. */
static int receive(int ms) {
  struct pollfd p = {.fd = terminal, .events = POLLIN};
  if (poll(&p, 1, ms) <= 0 || count + 1 >= ROOM) return 0;
  ssize_t got = read(terminal, came + count, ROOM - 1 - count);
  if (got <= 0) return 0;
  count += (size_t)got;
  came[count] = 0;
  take_out(seen);
  return 1;
}

static size_t unescape(char *text) {
  char *out = text;
  for (const char *at = text; *at; at++) {
    if (*at != '\\' || !at[1]) {
      *out++ = *at;
      continue;
    }
    switch (*++at) {
    case 'r': *out++ = '\r'; break;
    case 'n': *out++ = '\n'; break;
    case 't': *out++ = '\t'; break;
    case 'e': *out++ = '\033'; break;
    case 'x': {
      char hex[3] = {at[1], at[2], 0};
      *out++ = (char)strtol(hex, NULL, 16);
      at += 2;
      break;
    }
    default: *out++ = *at;
    }
  }
  *out = 0;
  return (size_t)(out - text);
}

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static int expect(char *text) {
  unescape(text);
  for (long began = now_ms();;) {
    const char *found = strstr(came + seen, text);
    if (found) {
      seen = (size_t)(found - came) + strlen(text);
      return 1;
    }
    if (now_ms() - began > PATIENCE_MS) return 0;
    receive(50);
  }
}

static int wait_for_file(const char *path) {
  for (long began = now_ms(); access(path, F_OK) != 0;) {
    if (now_ms() - began > PATIENCE_MS) return 0;
    if (!receive(20)) poll(NULL, 0, 20);
  }
  return 1;
}

static void type(char *text) {
  size_t length = unescape(text);
  if (write(terminal, text, length) != (ssize_t)length) _exit(3);
}

/* Waits until the command has ended by itself; -1 when it had to be killed. */
static int wait_for_end(void) {
  int status = 0;
  for (long began = now_ms(); now_ms() - began <= PATIENCE_MS;) {
    if (waitpid(child, &status, WNOHANG) != 0)
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (!receive(20)) poll(NULL, 0, 20); /* a closed terminal does not wait */
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return -1;
}

static int finish(const char *failure) {
  if (failure) kill(child, SIGKILL);
  int status = wait_for_end();
  while (receive(20)) {
  }
  fwrite(came, 1, count, stdout);
  if (!failure && status < 0) failure = "the command's end";
  if (failure)
    printf("\nwaited in vain for: %s\n", failure);
  else
    printf("\nok, exit status %d\n", status);
  return failure != NULL;
}

int main(int argc, char **argv) {
  char line[4096];
  if (argc < 3) return 2;
  FILE *steps = fopen(argv[1], "r");
  child = steps ? start(argv + 2) : -1;
  if (child < 0) return 2;
  while (fgets(line, sizeof line, steps)) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "type ", 5))
      type(line + 5);
    else if (!strncmp(line, "expect ", 7) && !expect(line + 7))
      return finish(line + 7);
    else if (!strncmp(line, "file ", 5) && !wait_for_file(line + 5))
      return finish(line + 5);
    else if (!strcmp(line, "hang up"))
      kill(-child, SIGHUP);
    else if (!strcmp(line, "end"))
      break;
  }
  fclose(steps);
  return finish(NULL);
}
