#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "JPEGMarkers.h"
#include "Picture.h"

// A progressive file of a few kilobytes can ask for thousands of passes over the whole
// picture; encoders write about ten.
static const int MAXIMUM_SCANS = 500;

typedef struct {
    struct jpeg_error_mgr errors;  // first, so that libjpeg's pointer is also ours
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    bool created;
    bool decoding_scans;
    uint8_t *row;
    ImageCodecPicture *picture;

    jmp_buf escape;
    ImageCodecStatus status;
    char *message;
} Decoder;

static void fail(Decoder *decoder, ImageCodecStatus status) {
    decoder->status = status;
    longjmp(decoder->escape, 1);
}

static void fail_out_of_memory(Decoder *decoder) {
    image_codec_set_message(decoder->message, "there is not enough memory");
    fail(decoder, IMAGE_CODEC_OUT_OF_MEMORY);
}

static void fail_with_library_message(j_common_ptr jpeg, ImageCodecStatus status) {
    Decoder *decoder = (Decoder *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    image_codec_set_message(decoder->message, "%s", text);
    fail(decoder, status);
}

static void handle_error(j_common_ptr jpeg) {
    switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
        fail_with_library_message(jpeg, IMAGE_CODEC_OUT_OF_MEMORY);
        break;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
        fail_with_library_message(jpeg, IMAGE_CODEC_UNSUPPORTED);
        break;
    default:
        fail_with_library_message(jpeg, IMAGE_CODEC_CORRUPT);
        break;
    }
}

// libjpeg goes on after these with made-up pixels; a restored picture must not be built
// on them.
static void handle_message(j_common_ptr jpeg, int level) {
    if (level >= 0) {
        return;
    }
    Decoder *decoder = (Decoder *)jpeg->err;
    switch (jpeg->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
        fail_with_library_message(jpeg, IMAGE_CODEC_CORRUPT);
        break;
    case JWRN_EXTRANEOUS_DATA:
        // Padding between header segments is harmless, and cameras write it; bytes left
        // over after a scan mean that the scan was damaged.
        if (decoder->decoding_scans) {
            fail_with_library_message(jpeg, IMAGE_CODEC_CORRUPT);
        }
        break;
    default:
        break;
    }
}

static void print_nothing(j_common_ptr jpeg) {
    (void)jpeg;
}

static void limit_scans(j_common_ptr jpeg) {
    Decoder *decoder = (Decoder *)jpeg->err;
    if (jpeg->is_decompressor && decoder->jpeg.input_scan_number > MAXIMUM_SCANS) {
        image_codec_set_message(
            decoder->message, "the file has more than %d scans", MAXIMUM_SCANS);
        fail(decoder, IMAGE_CODEC_CORRUPT);
    }
}

static bool has_signature(
    jpeg_saved_marker_ptr marker, int code, const char *signature, size_t size) {
    return marker->marker == code && marker->data_length > size
        && memcmp(marker->data, signature, size) == 0;
}

static bool is_icc(jpeg_saved_marker_ptr marker) {
    return has_signature(
               marker, JPEG_APP0 + 2, JPEG_ICC_SIGNATURE, sizeof(JPEG_ICC_SIGNATURE))
        && marker->data_length > JPEG_ICC_HEADER_SIZE;
}

// An ICC profile may span up to 255 APP2 segments, numbered but in any order. A set with
// gaps is no profile and is dropped, as other readers do.
static void read_icc_profile(Decoder *decoder) {
    jpeg_saved_marker_ptr parts[256] = {NULL};
    int total = 0;
    size_t count = 0;
    for (jpeg_saved_marker_ptr m = decoder->jpeg.marker_list; m != NULL; m = m->next) {
        if (!is_icc(m)) {
            continue;
        }
        int number = m->data[sizeof(JPEG_ICC_SIGNATURE)];
        int claimed_total = m->data[sizeof(JPEG_ICC_SIGNATURE) + 1];
        if (total == 0) {
            total = claimed_total;
        }
        if (claimed_total != total || number < 1 || number > total
            || parts[number] != NULL) {
            return;
        }
        parts[number] = m;
        count += m->data_length - JPEG_ICC_HEADER_SIZE;
    }
    for (int number = 1; number <= total; number++) {
        if (parts[number] == NULL) {
            return;
        }
    }
    if (count == 0) {
        return;
    }
    ImageCodecBytes *profile = &decoder->picture->metadata.icc_profile;
    profile->bytes = malloc(count);
    if (profile->bytes == NULL) {
        fail_out_of_memory(decoder);
    }
    for (int number = 1; number <= total; number++) {
        size_t part = parts[number]->data_length - JPEG_ICC_HEADER_SIZE;
        memcpy(
            profile->bytes + profile->count, parts[number]->data + JPEG_ICC_HEADER_SIZE,
            part);
        profile->count += part;
    }
}

static void read_app1(
    Decoder *decoder, ImageCodecBytes *destination, jpeg_saved_marker_ptr marker,
    const char *signature, size_t size) {
    if (destination->bytes == NULL
        && has_signature(marker, JPEG_APP0 + 1, signature, size)
        && !image_codec_bytes_assign(
            destination, marker->data + size, marker->data_length - size)) {
        fail_out_of_memory(decoder);
    }
}

static void read_metadata(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    ImageCodecMetadata *metadata = &decoder->picture->metadata;
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m != NULL; m = m->next) {
        read_app1(
            decoder, &metadata->exif, m, JPEG_EXIF_SIGNATURE,
            sizeof(JPEG_EXIF_SIGNATURE));
        read_app1(
            decoder, &metadata->xmp, m, JPEG_XMP_SIGNATURE, sizeof(JPEG_XMP_SIGNATURE));
    }
    if (jpeg->out_color_space != JCS_CMYK) {
        read_icc_profile(decoder);
    }
    // A ratio of 1 : 1 without unit is what writers put when they know nothing.
    bool known = jpeg->density_unit != 0 || jpeg->X_density != jpeg->Y_density;
    if (jpeg->saw_JFIF_marker && known && jpeg->X_density > 0 && jpeg->Y_density > 0
        && jpeg->density_unit <= 2) {
        static const ImageCodecUnit units[] = {
            IMAGE_CODEC_UNIT_NONE, IMAGE_CODEC_UNIT_INCH, IMAGE_CODEC_UNIT_CENTIMETRE};
        metadata->has_resolution = true;
        metadata->resolution_unit = units[jpeg->density_unit];
        metadata->resolution_x = jpeg->X_density;
        metadata->resolution_y = jpeg->Y_density;
    }
}

static void choose_output(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->out_color_space = JCS_GRAYSCALE;
        decoder->picture->channels = 1;
        break;
    case JCS_YCbCr:
    case JCS_RGB:
        jpeg->out_color_space = JCS_RGB;
        decoder->picture->channels = 3;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        jpeg->out_color_space = JCS_CMYK;
        decoder->picture->channels = 3;
        break;
    default:
        image_codec_set_message(
            decoder->message, "its %d colour components are of an unknown kind",
            jpeg->num_components);
        fail(decoder, IMAGE_CODEC_UNSUPPORTED);
    }
}

// Inks multiply: what the ink lets through times what black lets through. Adobe writes
// "lets through", everyone else the amount of ink.
static void convert_cmyk_row(
    const uint8_t *cmyk, uint16_t *rgb, size_t width, bool inverted) {
    unsigned flip = inverted ? 0 : 255;
    for (size_t x = 0; x < width; x++) {
        unsigned black = cmyk[4 * x + 3] ^ flip;
        for (size_t c = 0; c < 3; c++) {
            unsigned ink = cmyk[4 * x + c] ^ flip;
            rgb[3 * x + c] = (uint16_t)((ink * black + 127) / 255);
        }
    }
}

static void read_pixels(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    ImageCodecPicture *picture = decoder->picture;
    picture->width = jpeg->image_width;
    picture->height = jpeg->image_height;
    picture->bit_depth = 8;
    ImageCodecStatus status = image_codec_check_size(
        picture->width, picture->height, picture->channels, decoder->message);
    if (status != IMAGE_CODEC_OK) {
        fail(decoder, status);
    }

    decoder->decoding_scans = true;
    jpeg_start_decompress(jpeg);
    size_t row_samples = (size_t)picture->width * picture->channels;
    picture->samples = malloc(row_samples * picture->height * sizeof(uint16_t));
    decoder->row = malloc((size_t)jpeg->output_width * jpeg->output_components);
    if (picture->samples == NULL || decoder->row == NULL) {
        fail_out_of_memory(decoder);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint16_t *samples = picture->samples + jpeg->output_scanline * row_samples;
        JSAMPROW rows[1] = {decoder->row};
        if (jpeg_read_scanlines(jpeg, rows, 1) != 1) {
            image_codec_set_message(decoder->message, "the file ends too early");
            fail(decoder, IMAGE_CODEC_CORRUPT);
        }
        if (jpeg->out_color_space == JCS_CMYK) {
            convert_cmyk_row(
                decoder->row, samples, picture->width, jpeg->saw_Adobe_marker != 0);
        } else {
            for (size_t i = 0; i < row_samples; i++) {
                samples[i] = decoder->row[i];
            }
        }
    }
    jpeg_finish_decompress(jpeg);
}

// The only function that setjmp returns into: all it changes lives in its caller, so no
// local value is lost when an error jumps back.
static void decode(Decoder *decoder, const uint8_t *bytes, size_t count) {
    if (setjmp(decoder->escape) != 0) {
        return;
    }
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg->err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = handle_error;
    decoder->errors.emit_message = handle_message;
    decoder->errors.output_message = print_nothing;
    decoder->created = true;
    jpeg_create_decompress(jpeg);
    decoder->progress.progress_monitor = limit_scans;
    jpeg->progress = &decoder->progress;

    jpeg_mem_src(jpeg, bytes, (unsigned long)count);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(jpeg, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    choose_output(decoder);
    read_metadata(decoder);
    read_pixels(decoder);
    decoder->status = IMAGE_CODEC_OK;
}

ImageCodecStatus image_codec_jpeg_decode(
    const uint8_t *bytes, size_t count, ImageCodecPicture *picture,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    message[0] = '\0';
    if (count == 0) {
        image_codec_set_message(message, "the file is empty");
        return IMAGE_CODEC_CORRUPT;
    }
    // Too big for some thread stacks together with libjpeg's own frames.
    Decoder *decoder = calloc(1, sizeof(Decoder));
    if (decoder == NULL) {
        image_codec_set_message(message, "there is not enough memory");
        return IMAGE_CODEC_OUT_OF_MEMORY;
    }
    decoder->picture = picture;
    decoder->status = IMAGE_CODEC_CORRUPT;
    decoder->message = message;
    decode(decoder, bytes, count);
    if (decoder->created) {
        jpeg_destroy_decompress(&decoder->jpeg);
    }
    ImageCodecStatus status = decoder->status;
    free(decoder->row);
    free(decoder);
    if (status != IMAGE_CODEC_OK) {
        image_codec_picture_clear(picture);
    }
    return status;
}
