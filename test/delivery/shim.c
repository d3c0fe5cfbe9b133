// Loaded before a process (LD_PRELOAD): a slower disk and a wrong clock. What they are is read from a mapped file, so that it can be changed
// while the process runs: two 64-bit numbers, the microseconds that fsync and fdatasync take longer, and the milliseconds that the wall clock
// is off. The steady clock stays as it is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct settings {
  volatile int64_t sync_us;
  volatile int64_t clock_ms;
};

static const struct settings none = {0, 0};
static const struct settings *settings = &none;

typedef int (*sync_function)(int);
typedef int (*gettime_function)(clockid_t, struct timespec *);

static sync_function next_fsync, next_fdatasync;
static gettime_function next_gettime;

static gettime_function gettime(void) {
  // The loader may ask for the time before our constructor ran.
  if (!next_gettime) next_gettime = (gettime_function)dlsym(RTLD_NEXT, "clock_gettime");
  return next_gettime;
}

__attribute__((constructor)) static void begin(void) {
  next_fsync = (sync_function)dlsym(RTLD_NEXT, "fsync");
  next_fdatasync = (sync_function)dlsym(RTLD_NEXT, "fdatasync");
  gettime();
  const char *path = getenv("DELIVERY_SHIM");
  if (!path) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(struct settings), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) settings = mapped;
}

static void sleep_longer(void) {
  int64_t us = settings->sync_us;
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  if (us > 0) clock_nanosleep(CLOCK_MONOTONIC, 0, &left, NULL);
}

int fsync(int file) {
  sleep_longer();
  return next_fsync(file);
}

int fdatasync(int file) {
  sleep_longer();
  return next_fdatasync(file);
}

static void shift(struct timespec *time) {
  int64_t ms = settings->clock_ms;
  if (ms == 0) return;
  time->tv_sec += ms / 1000;
  time->tv_nsec += ms % 1000 * 1000000;
  if (time->tv_nsec >= 1000000000) {
    time->tv_sec += 1;
    time->tv_nsec -= 1000000000;
  } else if (time->tv_nsec < 0) {
    time->tv_sec -= 1;
    time->tv_nsec += 1000000000;
  }
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = gettime()(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) shift(time);
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
