#include "Checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What samples are filled with before they are read, as different as can be.
enum { FILLING = 0xAB, OTHER_FILLING = 0x54 };

// Read by libFuzzer after each run: a counter that was never set before is new coverage.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t outcomes[4096];

_Noreturn void report_finding(const char *sentence) {
    fprintf(stderr, "FINDING: %s\n", sentence);
    abort();
}

static uint32_t mix(uint32_t hash, uint32_t value) {
    return (hash ^ value) * UINT32_C(16777619);
}

static uint32_t hash_of_bytes(const uint8_t *bytes, size_t count) {
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < count; i++) {
        hash = mix(hash, bytes[i]);
    }
    return hash ^ hash >> 16;
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

static uint32_t hash_of_picture(const Reading *reading) {
    const ImageCodecPicture *picture = &reading->picture;
    const ImageCodecMetadata *metadata = &picture->metadata;
    const ImageCodecShortfall *shortfall = &reading->shortfall;
    uint32_t hash = mix(picture->channels, picture->bit_depth);
    hash = mix(hash, metadata->icc_profile.count > 0);
    hash = mix(hash, metadata->exif.count > 0);
    hash = mix(hash, metadata->xmp.count > 0);
    hash = mix(hash, metadata->has_resolution + 2u * metadata->has_gamma);
    hash = mix(
        hash,
        metadata->has_chromaticities + 2u * metadata->has_rendering_intent
            + 4u * metadata->has_code_points);
    hash = mix(
        hash,
        shortfall->lacks_profile + 2u * shortfall->lacks_texts
            + 4u * shortfall->lacks_cmyk_profile);
    return mix(hash, metadata->text_count < 4 ? (uint32_t)metadata->text_count : 4);
}

static void count_outcome(const Reading *reading) {
    uint32_t hash = 0;
    if (reading->status == IMAGE_CODEC_OK) {
        hash = hash_of_picture(reading);
    }
    if (reading->status != IMAGE_CODEC_OK || reading->shortfall.is_damaged) {
        hash = mix(hash, hash_of_message(reading->message));
    }
    outcomes[(hash ^ hash >> 16) % sizeof(outcomes)] = 1;
}

static void check_range(const ImageCodecPicture *picture) {
    size_t count = (size_t)picture->width * picture->height * picture->channels;
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++) {
        seen |= picture->samples[i];
    }
    CHECK(seen >> picture->bit_depth == 0, "a sample beyond the bit depth");
}

static bool is_same(const ImageCodecBytes *one, const ImageCodecBytes *other) {
    return one->count == other->count
        && (one->count == 0 || memcmp(one->bytes, other->bytes, one->count) == 0);
}

static bool is_absent_or_same(const ImageCodecBytes *copy, const ImageCodecBytes *original) {
    return copy->count == 0 || is_same(copy, original);
}

static bool has_same_pixels(const Reading *one, const Reading *other) {
    return one->picture.width == other->picture.width
        && one->picture.height == other->picture.height
        && one->picture.channels == other->picture.channels
        && one->picture.bit_depth == other->picture.bit_depth
        && memcmp(
               one->picture.samples, other->picture.samples, reading_sample_bytes(one))
        == 0;
}

static void check_round_trip(const Reading *reading, const ImageCodecWriteOptions *options) {
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    ImageCodecBytes file = {0};
    CHECK(
        image_codec_png_encode(&reading->picture, options, &file, message)
            == IMAGE_CODEC_OK,
        "a decoded picture cannot be encoded as PNG");
    Reading copy;
    reading_begin(&copy, FORMAT_PNG, file.bytes, file.count, false, OTHER_FILLING);
    CHECK(copy.status == IMAGE_CODEC_OK, "an encoded PNG cannot be decoded");
    CHECK(has_same_pixels(&copy, reading), "the PNG has other pixels than the picture");
    const ImageCodecMetadata *metadata = &reading->picture.metadata;
    CHECK(
        is_absent_or_same(&copy.picture.metadata.exif, &metadata->exif),
        "the PNG has another EXIF block than the picture");
    CHECK(
        is_absent_or_same(&copy.picture.metadata.icc_profile, &metadata->icc_profile),
        "the PNG has another ICC profile than the picture");
    reading_end(&copy);
    image_codec_bytes_clear(&file);
}

static void check_jpeg_encoding(
    const ImageCodecPicture *picture, const ImageCodecWriteOptions *options) {
    char message[IMAGE_CODEC_MESSAGE_SIZE];
    ImageCodecBytes file = {0};
    CHECK(
        image_codec_jpeg_encode(picture, options, &file, message) == IMAGE_CODEC_OK,
        "a decoded picture cannot be encoded as JPEG");
    Reading copy;
    reading_begin(&copy, FORMAT_JPEG, file.bytes, file.count, false, OTHER_FILLING);
    CHECK(copy.status == IMAGE_CODEC_OK, "an encoded JPEG cannot be decoded");
    CHECK(
        copy.picture.width == picture->width && copy.picture.height == picture->height
            && copy.picture.channels == picture->channels,
        "the JPEG has another size or kind than the picture");
    reading_end(&copy);
    image_codec_bytes_clear(&file);
}

static void check_whole(const Reading *strict, const Reading *lenient) {
    CHECK(
        !strict->shortfall.ends_early && !strict->shortfall.is_damaged,
        "damage that a strict reading takes");
    CHECK(
        lenient->status == IMAGE_CODEC_OK && !lenient->shortfall.ends_early
            && !lenient->shortfall.is_damaged,
        "a lenient reading sees damage that a strict one does not");
    CHECK(has_same_pixels(strict, lenient), "a lenient reading gives other pixels");
    const ImageCodecMetadata *one = &strict->picture.metadata;
    const ImageCodecMetadata *other = &lenient->picture.metadata;
    CHECK(
        is_same(&one->icc_profile, &other->icc_profile) && is_same(&one->exif, &other->exif)
            && is_same(&one->xmp, &other->xmp) && one->text_count == other->text_count,
        "a lenient reading gives other metadata");
}

static void check_part(
    Format format, const uint8_t *bytes, size_t count, const Reading *part) {
    const ImageCodecShortfall *shortfall = &part->shortfall;
    CHECK(shortfall->is_damaged, "a lenient reading does not tell of damage");
    CHECK(shortfall->rows <= part->picture.height, "more rows than there are");
    CHECK(
        shortfall->total_passes == 0 || shortfall->passes <= shortfall->total_passes,
        "more passes than there are");
    check_range(&part->picture);
    Reading again;
    reading_begin(&again, format, bytes, count, true, FILLING);
    CHECK(
        again.status == IMAGE_CODEC_OK && has_same_pixels(part, &again),
        "a lenient reading leaves samples as they were");
    reading_end(&again);
}

void check_decoding(Format format, const uint8_t *bytes, size_t count) {
    Reading strict;
    Reading lenient;
    reading_begin(&strict, format, bytes, count, false, FILLING);
    count_outcome(&strict);
    reading_begin(&lenient, format, bytes, count, true, OTHER_FILLING);
    count_outcome(&lenient);
    if (strict.status == IMAGE_CODEC_OK) {
        check_range(&strict.picture);
        check_whole(&strict, &lenient);
        uint32_t choice = hash_of_bytes(bytes, count);
        ImageCodecWriteOptions options = {
            .jpeg_quality = 1 + (int)(choice % 100),
            .jpeg_is_progressive = (choice >> 8 & 1) != 0,
            .png_compression = (int)((choice >> 9) % 10),
        };
        check_round_trip(&strict, &options);
        if (format == FORMAT_JPEG) {
            check_jpeg_encoding(&strict.picture, &options);
        }
    } else if (lenient.status == IMAGE_CODEC_OK) {
        CHECK(
            strict.status == IMAGE_CODEC_CORRUPT,
            "a lenient reading takes what is not damaged but refused");
        check_part(format, bytes, count, &lenient);
    }
    reading_end(&strict);
    reading_end(&lenient);
}
