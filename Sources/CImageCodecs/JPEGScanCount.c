#include "JPEGScanCount.h"

#include <string.h>

enum {
    MARKER_TEMPORARY = 0x01,
    MARKER_FIRST_RESTART = 0xD0,
    MARKER_START_OF_IMAGE = 0xD8,
    MARKER_END_OF_IMAGE = 0xD9,
    MARKER_START_OF_SCAN = 0xDA,
};

size_t jpeg_scan_count(const uint8_t *bytes, size_t count) {
    size_t scans = 0;
    size_t offset = 0;
    while (offset + 1 < count) {
        const uint8_t *prefix = memchr(bytes + offset, 0xFF, count - offset - 1);
        if (prefix == NULL) {
            break;
        }
        offset = (size_t)(prefix - bytes) + 1;
        uint8_t code = bytes[offset];
        // Zero is a byte of pixel data, and a second 0xFF may itself start a marker.
        if (code == 0 || code == 0xFF) {
            continue;
        }
        offset += 1;
        if (code == MARKER_END_OF_IMAGE) {
            break;
        }
        if (code == MARKER_TEMPORARY
            || (code >= MARKER_FIRST_RESTART && code <= MARKER_START_OF_IMAGE)) {
            continue;
        }
        if (code == MARKER_START_OF_SCAN) {
            scans += 1;
        }
        // What is in a segment is no marker, whatever it looks like.
        if (count - offset < 2) {
            break;
        }
        size_t length = (size_t)bytes[offset] << 8 | bytes[offset + 1];
        if (length > count - offset) {
            break;
        }
        offset += length;
    }
    return scans;
}
