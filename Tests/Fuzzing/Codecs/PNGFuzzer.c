#include "Checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    check_decoding(FORMAT_PNG, bytes, count);
    return 0;
}
