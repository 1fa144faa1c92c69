#ifndef PNGCHUNKS_H
#define PNGCHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where the first chunk starts, after the signature.
#define PNG_FIRST_CHUNK 8
/// Length, type and CRC of a chunk.
#define PNG_CHUNK_OVERHEAD 12

static inline uint32_t png_number(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8
        | bytes[3];
}

static inline void png_put_number(uint8_t *bytes, uint32_t number) {
    bytes[0] = (uint8_t)(number >> 24);
    bytes[1] = (uint8_t)(number >> 16);
    bytes[2] = (uint8_t)(number >> 8);
    bytes[3] = (uint8_t)number;
}

#endif
