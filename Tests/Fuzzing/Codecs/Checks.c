#include "Checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Beyond this a picture costs more time than it can show.
static const uint64_t MAXIMUM_PIXELS = UINT64_C(1) << 16;

// Read by libFuzzer after each run: a counter that was never set before is new coverage.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t outcomes[4096];

_Noreturn void report_finding(const char *sentence) {
    fprintf(stderr, "FINDING: %s\n", sentence);
    abort();
}

bool is_worth_decoding(uint32_t width, uint32_t height) {
    uint64_t pixels = (uint64_t)width * height;
    return pixels <= MAXIMUM_PIXELS || pixels > IMAGE_CODEC_MAXIMUM_SAMPLES;
}

// The only calls of the decoders.
static ImageCodecStatus decode(
    Format format, const uint8_t *bytes, size_t count, ImageCodecPicture *picture,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    switch (format) {
    case FORMAT_PNG:
        return image_codec_png_decode(bytes, count, picture, message);
    case FORMAT_JPEG:
        return image_codec_jpeg_decode(bytes, count, picture, message);
    }
    return IMAGE_CODEC_INVALID_ARGUMENT;
}

static uint32_t mix(uint32_t hash, uint32_t value) {
    return (hash ^ value) * UINT32_C(16777619);
}

// The name of a chunk at the start of a message, or numbers in it, would make every file
// look new.
static uint32_t hash_of_message(const char *message) {
    uint32_t hash = UINT32_C(2166136261);
    const char *colon = strstr(message, ": ");
    for (const char *c = colon != NULL ? colon : message; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') {
            hash = mix(hash, (uint8_t)*c);
        }
    }
    return hash;
}

static uint32_t hash_of_picture(const ImageCodecPicture *picture) {
    const ImageCodecMetadata *metadata = &picture->metadata;
    uint32_t hash = mix(picture->channels, picture->bit_depth);
    hash = mix(hash, metadata->icc_profile.count > 0);
    hash = mix(hash, metadata->exif.count > 0);
    hash = mix(hash, metadata->xmp.count > 0);
    hash = mix(hash, metadata->has_resolution + 2u * metadata->has_gamma);
    hash = mix(
        hash, metadata->has_chromaticities + 2u * metadata->has_rendering_intent);
    return mix(hash, metadata->text_count < 4 ? (uint32_t)metadata->text_count : 4);
}

static void count_outcome(
    ImageCodecStatus status, const char *message, const ImageCodecPicture *picture) {
    uint32_t hash = status == IMAGE_CODEC_OK ? hash_of_picture(picture)
                                             : hash_of_message(message);
    outcomes[(hash ^ hash >> 16) % sizeof(outcomes)] = 1;
}

static bool is_empty(const ImageCodecPicture *picture) {
    static const ImageCodecPicture empty = {0};
    return memcmp(picture, &empty, sizeof(empty)) == 0;
}

static size_t sample_count(const ImageCodecPicture *picture) {
    return (size_t)picture->width * picture->height * picture->channels;
}

static void check_picture(const ImageCodecPicture *picture) {
    CHECK(picture->width > 0 && picture->height > 0, "a picture without a size");
    CHECK(picture->channels >= 1 && picture->channels <= 4, "an impossible channel count");
    CHECK(
        picture->bit_depth == 8 || picture->bit_depth == 16, "an impossible bit depth");
    size_t count = sample_count(picture);
    CHECK(count <= IMAGE_CODEC_MAXIMUM_SAMPLES, "a picture past the bound");
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++) {
        seen |= picture->samples[i];
    }
    CHECK(seen >> picture->bit_depth == 0, "a sample beyond the bit depth");
}

static bool is_absent_or_same(const ImageCodecBytes *copy, const ImageCodecBytes *original) {
    return copy->count == 0
        || (copy->count == original->count
            && memcmp(copy->bytes, original->bytes, copy->count) == 0);
}

static void check_copy(const ImageCodecPicture *copy, const ImageCodecPicture *original) {
    CHECK(
        copy->width == original->width && copy->height == original->height
            && copy->channels == original->channels
            && copy->bit_depth == original->bit_depth,
        "the PNG has another size or kind than the picture");
    CHECK(
        memcmp(
            copy->samples, original->samples, sample_count(original) * sizeof(uint16_t))
            == 0,
        "the PNG has other samples than the picture");
    CHECK(
        is_absent_or_same(&copy->metadata.exif, &original->metadata.exif),
        "the PNG has another EXIF block than the picture");
    CHECK(
        is_absent_or_same(&copy->metadata.icc_profile, &original->metadata.icc_profile),
        "the PNG has another ICC profile than the picture");
}

static void check_round_trip(const ImageCodecPicture *picture) {
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    ImageCodecBytes file = {0};
    CHECK(
        image_codec_png_encode(picture, &file, message) == IMAGE_CODEC_OK,
        "a decoded picture cannot be encoded as PNG");
    ImageCodecPicture copy = {0};
    CHECK(
        decode(FORMAT_PNG, file.bytes, file.count, &copy, message) == IMAGE_CODEC_OK,
        "an encoded PNG cannot be decoded");
    check_copy(&copy, picture);
    image_codec_picture_clear(&copy);
    image_codec_bytes_clear(&file);
}

static void check_jpeg_encoding(const ImageCodecPicture *picture) {
    if (picture->bit_depth != 8 || picture->channels % 2 == 0) {
        return;
    }
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    ImageCodecBytes file = {0};
    // Either way of sampling chroma, chosen by the picture itself.
    int quality = (picture->width + picture->height) % 2 == 0 ? 95 : 50;
    CHECK(
        image_codec_jpeg_encode(picture, quality, &file, message) == IMAGE_CODEC_OK,
        "a decoded picture cannot be encoded as JPEG");
    ImageCodecPicture copy = {0};
    CHECK(
        decode(FORMAT_JPEG, file.bytes, file.count, &copy, message) == IMAGE_CODEC_OK,
        "an encoded JPEG cannot be decoded");
    CHECK(
        copy.width == picture->width && copy.height == picture->height
            && copy.channels == picture->channels,
        "the JPEG has another size or kind than the picture");
    image_codec_picture_clear(&copy);
    image_codec_bytes_clear(&file);
}

void check_decoding(Format format, const uint8_t *bytes, size_t count) {
    ImageCodecPicture picture = {0};
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    memset(message, 'x', sizeof(message));
    ImageCodecStatus status = decode(format, bytes, count, &picture, message);
    CHECK(memchr(message, '\0', sizeof(message)) != NULL, "a message without an end");
    count_outcome(status, message, &picture);
    if (status != IMAGE_CODEC_OK) {
        CHECK(message[0] != '\0', "a failure without a message");
        CHECK(is_empty(&picture), "a failure that leaves something behind");
        return;
    }
    check_picture(&picture);
    check_round_trip(&picture);
    if (format == FORMAT_JPEG) {
        check_jpeg_encoding(&picture);
    }
    image_codec_picture_clear(&picture);
}
