#ifndef JPEG_SCAN_COUNT_H
#define JPEG_SCAN_COUNT_H

#include <stddef.h>
#include <stdint.h>

/// The number of scans in a JPEG file, by its markers alone.
size_t jpeg_scan_count(const uint8_t *bytes, size_t count);

#endif
