/* Its tables end right before a page that faults, and say a size of their own: the configuration
 * key "table" is core or ops, "size" what its struct_size says. A table that says more than it has
 * has junk behind it for 64 bytes more, or, for larger sizes, nothing. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../broken_plugins/plugins/base.h"

static const void* at_the_end(const void* table, uint32_t known, uint32_t said) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* pages =
      (char*)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint32_t there = said < 16u ? 16u : said & ~7u; /* every table has its head */
  char* begin;
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) return NULL;
  if (there > known + 64u) there = known;
  memset(pages, 0xee, page);
  begin = pages + page - there;
  memcpy(begin, table, there < known ? there : known);
  memcpy(begin, &said, sizeof said);
  return begin;
}

static uint32_t configured_size(const char* table) {
  char text[32] = "";
  uint64_t size = 0;
  if (host->config(host->context, "table", 5, text, sizeof text - 1, &size) != TN_OK ||
      strcmp(text, table) != 0)
    return 0xffffffffu; /* the other table: as large as it gets */
  memset(text, 0, sizeof text);
  if (host->config(host->context, "size", 4, text, sizeof text - 1, &size) != TN_OK) return 0;
  return (uint32_t)strtoul(text, NULL, 10);
}

static tn_status get_guarded(tn_plugin plugin, const char* name, uint64_t name_size,
                             const void** table) {
  (void)plugin;
  if (name_size == 4 && memcmp(name, TN_CORE, 4) == 0) {
    *table = at_the_end(&core, sizeof core, configured_size(TN_CORE));
  } else {
    *table = at_the_end(&ops, sizeof ops, configured_size(TN_OPS));
  }
  return *table == NULL ? TN_OUT_OF_MEMORY : TN_OK;
}

static void change(void) { card.get_interface = get_guarded; }
BROKEN_PLUGIN("guarded")
