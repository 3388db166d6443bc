/* Can't count its devices, is closed for it, and goes on calling the host from its own thread. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <pthread.h>
#include <time.h>

#include "base.h"

static volatile int is_closed;
static volatile int calls;

static void* call_host(void* unused) {
  const struct timespec pause = {0, 1000000};
  (void)unused;
  for (;;) {
    nanosleep(&pause, NULL);
    if (!is_closed) continue;
    host->log(host->context, TN_LOG_ERROR, "I am still here", 15);
    set_error("I am still here");
    if (++calls == 20) return NULL;
  }
}
static tn_status start_thread(const tn_host* given, tn_plugin* out) {
  pthread_t thread;
  host = given;
  if (pthread_create(&thread, NULL, call_host, NULL) != 0) return TN_INTERNAL;
  pthread_detach(thread);
  return base_open(given, out);
}
static void mark_closed(tn_plugin plugin) {
  (void)plugin;
  is_closed = 1;
}
static tn_status count_fails(tn_plugin plugin, uint32_t* count) {
  (void)plugin, (void)count;
  set_error("the bus did not answer");
  return TN_INTERNAL;
}
static void change(void) {
  card.open = start_thread;
  core.close = mark_closed;
  core.device_count = count_fails;
}
BROKEN_PLUGIN("late_caller")
