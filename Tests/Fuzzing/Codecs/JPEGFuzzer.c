#include "Checks.h"

// Whether a frame header may start here: SOF0 to SOF15 without DHT, JPG and DAC.
static bool is_frame_header(const uint8_t *bytes) {
    return bytes[0] == 0xFF && bytes[1] >= 0xC0 && bytes[1] <= 0xCF && bytes[1] != 0xC4
        && bytes[1] != 0xC8 && bytes[1] != 0xCC;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    // Whatever looks like a frame header counts: libjpeg may skip to any of them.
    for (size_t i = 0; i + 9 <= count; i++) {
        if (is_frame_header(bytes + i)) {
            uint32_t height = (uint32_t)bytes[i + 5] << 8 | bytes[i + 6];
            uint32_t width = (uint32_t)bytes[i + 7] << 8 | bytes[i + 8];
            if (!is_worth_decoding(width, height)) {
                return -1;
            }
        }
    }
    check_decoding(FORMAT_JPEG, bytes, count);
    return 0;
}
