/* volk's one source file, from the system's package: it opens libvulkan.so.1 when it is asked to. */
#include <volk.c>
