#include "../../tools/examples/04_third_party_plugin/c/plain.c"
