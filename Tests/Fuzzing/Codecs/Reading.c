#include "Reading.h"

#include <stdlib.h>
#include <string.h>

#include "Checks.h"

static const uint64_t MAXIMUM_PIXELS = UINT64_C(1) << 16;

size_t reading_sample_bytes(const Reading *reading) {
    const ImageCodecPicture *picture = &reading->picture;
    return (size_t)picture->width * picture->height * picture->channels * sizeof(uint16_t);
}

static void read_samples(Reading *reading, ImageCodecDecoder *decoder, uint8_t filling) {
    ImageCodecPicture *picture = &reading->picture;
    CHECK(decoder != NULL, "a file that opens without a decoder");
    CHECK(
        picture->width > 0 && picture->height > 0
            && (uint64_t)picture->width * picture->height <= MAXIMUM_PIXELS,
        "a picture past the limit");
    CHECK(picture->channels >= 1 && picture->channels <= 4, "an impossible channel count");
    CHECK(
        picture->bit_depth == 8 || picture->bit_depth == 16, "an impossible bit depth");
    size_t size = reading_sample_bytes(reading);
    picture->samples = malloc(size);
    CHECK(picture->samples != NULL, "no memory for the samples");
    memset(picture->samples, filling, size);
    reading->status = image_codec_decoder_read(
        decoder, picture, &reading->shortfall, reading->message);
}

void reading_begin(
    Reading *reading, Format format, const uint8_t *bytes, size_t count, bool is_lenient,
    uint8_t filling) {
    *reading = (Reading){0};
    memset(reading->message, 'x', sizeof(reading->message));
    ImageCodecReadOptions options = {
        .maximum_pixels = MAXIMUM_PIXELS, .is_lenient = is_lenient};
    ImageCodecDecoder *decoder = NULL;
    reading->status =
        (format == FORMAT_PNG ? image_codec_png_open : image_codec_jpeg_open)(
            bytes, count, &options, &reading->picture, &decoder, reading->message);
    if (reading->status == IMAGE_CODEC_OK) {
        read_samples(reading, decoder, filling);
    } else {
        CHECK(decoder == NULL, "a failure that leaves a decoder behind");
    }
    image_codec_decoder_close(decoder);
    CHECK(
        memchr(reading->message, '\0', sizeof(reading->message)) != NULL,
        "a message without an end");
    CHECK(
        reading->status == IMAGE_CODEC_OK || reading->message[0] != '\0',
        "a failure without a message");
}

void reading_end(Reading *reading) {
    free(reading->picture.samples);
    image_codec_metadata_clear(&reading->picture.metadata);
}
