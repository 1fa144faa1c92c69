#ifndef READING_H
#define READING_H

#include "CImageCodecs.h"

typedef enum { FORMAT_PNG, FORMAT_JPEG } Format;

/// What came of reading a file.
typedef struct {
    ImageCodecStatus status;
    ImageCodecPicture picture;
    ImageCodecShortfall shortfall;
    char message[IMAGE_CODEC_MESSAGE_SIZE];
} Reading;

/// Reads a file of at most 2^16 pixels; beyond, a picture costs more time than it can show.
///
/// Every byte of the samples is `filling` before, so that those left out show.
void reading_begin(
    Reading *reading, Format format, const uint8_t *bytes, size_t count, bool is_lenient,
    uint8_t filling);

void reading_end(Reading *reading);

size_t reading_sample_bytes(const Reading *reading);

#endif
