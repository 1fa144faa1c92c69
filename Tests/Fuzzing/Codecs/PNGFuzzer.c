#include "Checks.h"
#include "PNGChunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    // IHDR must come first, so that the size lies at a fixed place.
    if (count >= PNG_FIRST_CHUNK + 16) {
        uint32_t width = png_number(bytes + PNG_FIRST_CHUNK + 8);
        uint32_t height = png_number(bytes + PNG_FIRST_CHUNK + 12);
        if (!is_worth_decoding(width, height)) {
            return -1;
        }
    }
    check_decoding(FORMAT_PNG, bytes, count);
    return 0;
}
