#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "CMYKConversion.h"
#include "Decoder.h"
#include "JPEGMarkers.h"
#include "JPEGScanCount.h"
#include "Picture.h"

// A progressive file of a few kilobytes can ask for thousands of passes over the whole
// picture; encoders write about ten.
static const size_t MAXIMUM_SCANS = 100;

// With Huffman codes a block takes at least two bits (its first coefficient and an end), or
// one bit in the first scan of a progressive file.
static const uint64_t MAXIMUM_BLOCKS_PER_BYTE = 8;

// What libjpeg fills in where there is nothing.
static const uint16_t MIDDLE_GRAY = 128;

typedef struct {
    struct jpeg_error_mgr errors;  // first, so that libjpeg's pointer is also ours
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    ImageCodecDecoder base;
    const uint8_t *bytes;
    size_t count;
    const ImageCodecReadOptions *options;
    bool created;
    bool decoding_scans;
    ImageCodecBytes profile;
    CMYKConversion *conversion;
    uint8_t *row;
    uint8_t *rgb_row;

    // The caller's, for the time of one call.
    ImageCodecPicture *picture;
    ImageCodecShortfall shortfall;
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

static void note_damage(Decoder *decoder, bool is_in_first_scan) {
    const struct jpeg_decompress_struct *input = &decoder->jpeg;
    ImageCodecShortfall *shortfall = &decoder->shortfall;
    shortfall->is_damaged = true;
    uint64_t rows =
        (uint64_t)input->input_iMCU_row * (uint64_t)input->max_v_samp_factor * DCTSIZE;
    // Not libjpeg's height: it takes over that of a second frame header before it refuses it.
    uint32_t height = decoder->picture->height;
    shortfall->rows = is_in_first_scan && rows < height ? (uint32_t)rows : height;
    shortfall->passes = is_in_first_scan ? 0 : (uint32_t)input->input_scan_number - 1;
    shortfall->total_passes = jpeg_has_multiple_scans(&decoder->jpeg) ? 0 : 1;
}

// Refuses damage, or, in a lenient reading, notes how far the picture was read before it.
static void handle_damage(j_common_ptr jpeg) {
    Decoder *decoder = (Decoder *)jpeg->err;
    const struct jpeg_decompress_struct *input = &decoder->jpeg;
    bool is_lenient = decoder->options->is_lenient && decoder->decoding_scans;
    // Huffman codes are read ahead: whether the end of the file cuts any off shows when the
    // decoder meets the end marker that libjpeg then makes up.
    if (is_lenient && jpeg->err->msg_code == JWRN_JPEG_EOF && !input->arith_code) {
        decoder->shortfall.ends_early = !decoder->shortfall.is_damaged;
        return;
    }
    bool is_in_first_scan = input->input_scan_number <= 1;
    if (!is_lenient || (is_in_first_scan && input->input_iMCU_row == 0)) {
        fail_with_library_message(jpeg, IMAGE_CODEC_CORRUPT);
    }
    if (!decoder->shortfall.is_damaged) {
        note_damage(decoder, is_in_first_scan);
        decoder->shortfall.ends_early |= jpeg->err->msg_code == JWRN_JPEG_EOF;
        char text[JMSG_LENGTH_MAX];
        jpeg->err->format_message(jpeg, text);
        image_codec_set_message(decoder->message, "%s", text);
    }
}

// libjpeg goes on after these with made-up pixels; unless asked for, a restored picture
// must not be built on them.
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
        handle_damage(jpeg);
        break;
    case JWRN_EXTRANEOUS_DATA:
        // Padding between header segments is harmless, and cameras write it; bytes left
        // over after a scan mean that the scan was damaged.
        if (decoder->decoding_scans) {
            handle_damage(jpeg);
        }
        break;
    default:
        break;
    }
}

static void print_nothing(j_common_ptr jpeg) {
    (void)jpeg;
}

static void fail_with_too_many_scans(Decoder *decoder) {
    image_codec_set_message(
        decoder->message, "the file has more than %zu scans", MAXIMUM_SCANS);
    fail(decoder, IMAGE_CODEC_CORRUPT);
}

// The count by markers comes first and costs nothing; where it could be deceived, libjpeg's
// own stands.
static void limit_scans(j_common_ptr jpeg) {
    Decoder *decoder = (Decoder *)jpeg->err;
    if (jpeg->is_decompressor
        && (size_t)decoder->jpeg.input_scan_number > MAXIMUM_SCANS) {
        fail_with_too_many_scans(decoder);
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
// gaps is no profile and is left out, as other readers do.
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
            decoder->shortfall.lacks_profile = true;
            return;
        }
        parts[number] = m;
        count += m->data_length - JPEG_ICC_HEADER_SIZE;
    }
    for (int number = 1; number <= total; number++) {
        if (parts[number] == NULL) {
            decoder->shortfall.lacks_profile = true;
            return;
        }
    }
    if (count == 0) {
        return;
    }
    if (count > IMAGE_CODEC_MAXIMUM_PROFILE_BYTES) {
        decoder->shortfall.lacks_profile = true;
        return;
    }
    ImageCodecBytes *profile = &decoder->profile;
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
        metadata->icc_profile = decoder->profile;
        decoder->profile = (ImageCodecBytes){0};
    } else if (decoder->conversion != NULL) {
        // The pixels are sRGB now, which PNG can say.
        metadata->has_rendering_intent = true;
        metadata->rendering_intent = 1;
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
static void multiply_cmyk_row(
    const uint8_t *cmyk, uint8_t *rgb, size_t width, bool inverted) {
    unsigned flip = inverted ? 0 : 255;
    for (size_t x = 0; x < width; x++) {
        unsigned black = cmyk[4 * x + 3] ^ flip;
        for (size_t c = 0; c < 3; c++) {
            unsigned ink = cmyk[4 * x + c] ^ flip;
            rgb[3 * x + c] = (uint8_t)((ink * black + 127) / 255);
        }
    }
}

static void check_size(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    ImageCodecPicture *picture = decoder->picture;
    picture->width = jpeg->image_width;
    picture->height = jpeg->image_height;
    picture->bit_depth = 8;
    ImageCodecStatus status = image_codec_check_size(
        picture->width, picture->height, picture->channels,
        decoder->options->maximum_pixels, decoder->message);
    if (status != IMAGE_CODEC_OK) {
        fail(decoder, status);
    }
    // The component sampled most often along a row has at least a quarter of the blocks of
    // the picture, and other components only add to them. Arithmetic codes know no bound.
    uint64_t blocks = (uint64_t)picture->width * picture->height / DCTSIZE2;
    uint64_t bound = (uint64_t)decoder->count * MAXIMUM_BLOCKS_PER_BYTE;
    if (decoder->options->is_lenient) {
        bound *= DECODER_LENIENCE;
    }
    if (!jpeg->arith_code && blocks / 4 > bound) {
        image_codec_set_message(
            decoder->message, "the file is too short for the size it claims");
        fail(decoder, IMAGE_CODEC_CORRUPT);
    }
    if (jpeg_scan_count(decoder->bytes, decoder->count) > MAXIMUM_SCANS) {
        fail_with_too_many_scans(decoder);
    }
}

static void prepare_conversion(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    if (jpeg->out_color_space != JCS_CMYK) {
        return;
    }
    decoder->rgb_row = malloc((size_t)jpeg->image_width * 3);
    if (decoder->rgb_row == NULL) {
        fail_out_of_memory(decoder);
    }
    if (decoder->profile.count > 0) {
        decoder->conversion = cmyk_conversion_create(
            decoder->profile.bytes, decoder->profile.count, jpeg->saw_Adobe_marker != 0);
        decoder->shortfall.lacks_cmyk_profile = decoder->conversion == NULL;
    }
}

static void store_row(Decoder *decoder, uint16_t *samples) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    size_t width = decoder->picture->width;
    size_t row_samples = width * decoder->picture->channels;
    const uint8_t *row = decoder->row;
    if (decoder->conversion != NULL) {
        cmyk_conversion_apply(decoder->conversion, row, decoder->rgb_row, width);
        row = decoder->rgb_row;
    } else if (jpeg->out_color_space == JCS_CMYK) {
        multiply_cmyk_row(row, decoder->rgb_row, width, jpeg->saw_Adobe_marker != 0);
        row = decoder->rgb_row;
    }
    for (size_t i = 0; i < row_samples; i++) {
        samples[i] = row[i];
    }
}

static void read_rows(Decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    ImageCodecPicture *picture = decoder->picture;
    decoder->decoding_scans = true;
    jpeg_start_decompress(jpeg);
    size_t row_samples = (size_t)picture->width * picture->channels;
    decoder->row = malloc((size_t)jpeg->output_width * jpeg->output_components);
    if (decoder->row == NULL) {
        fail_out_of_memory(decoder);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint16_t *samples = picture->samples + jpeg->output_scanline * row_samples;
        JSAMPROW rows[1] = {decoder->row};
        if (jpeg_read_scanlines(jpeg, rows, 1) != 1) {
            image_codec_set_message(decoder->message, "the file ends too early");
            fail(decoder, IMAGE_CODEC_CORRUPT);
        }
        store_row(decoder, samples);
    }
    int scans = jpeg->input_scan_number;
    bool has_more_scans = jpeg_has_multiple_scans(jpeg);
    jpeg_finish_decompress(jpeg);
    if (decoder->shortfall.ends_early && !decoder->shortfall.is_damaged) {
        // Nothing was cut off, but there may have been more scans.
        decoder->shortfall.is_damaged = true;
        decoder->shortfall.rows = picture->height;
        decoder->shortfall.passes = (uint32_t)scans;
        decoder->shortfall.total_passes = has_more_scans ? 0 : 1;
    }
}

// Whether what was read before an error is worth having: libjpeg stops there, and the rest
// is filled as it does after lesser damage.
static bool accept_part(Decoder *decoder) {
    uint32_t row = decoder->jpeg.output_scanline;
    if (!decoder->options->is_lenient || decoder->status != IMAGE_CODEC_CORRUPT
        || decoder->row == NULL || row == 0) {
        return false;
    }
    const ImageCodecPicture *picture = decoder->picture;
    size_t row_samples = (size_t)picture->width * picture->channels;
    for (size_t i = row * row_samples; i < picture->height * row_samples; i++) {
        picture->samples[i] = MIDDLE_GRAY;
    }
    if (!decoder->shortfall.is_damaged) {
        decoder->shortfall.is_damaged = true;
        decoder->shortfall.rows = row;
        decoder->shortfall.total_passes = 1;
    }
    return true;
}

// The two functions that setjmp returns into: all they change lives in their caller, so
// no local value is lost when an error jumps back.

static void open_file(Decoder *decoder) {
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

    jpeg_mem_src(jpeg, decoder->bytes, (unsigned long)decoder->count);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(jpeg, JPEG_APP0 + 2, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    choose_output(decoder);
    check_size(decoder);
    decoder->status = IMAGE_CODEC_OK;
}

static void read_pixels(Decoder *decoder) {
    if (setjmp(decoder->escape) == 0) {
        read_icc_profile(decoder);
        prepare_conversion(decoder);
        // libjpeg forgets the markers when it is done with the rows.
        read_metadata(decoder);
        read_rows(decoder);
    } else if (!accept_part(decoder)) {
        return;
    }
    decoder->status = IMAGE_CODEC_OK;
}

static void begin(Decoder *decoder, ImageCodecPicture *picture, char *message) {
    decoder->picture = picture;
    decoder->message = message;
    decoder->status = IMAGE_CODEC_CORRUPT;
}

static Decoder *decoder_of(ImageCodecDecoder *base) {
    return (Decoder *)((char *)base - offsetof(Decoder, base));
}

static ImageCodecStatus read_picture(
    ImageCodecDecoder *base, ImageCodecPicture *picture, ImageCodecShortfall *shortfall,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    Decoder *decoder = decoder_of(base);
    begin(decoder, picture, message);
    read_pixels(decoder);
    *shortfall = decoder->shortfall;
    return decoder->status;
}

static void close_decoder(ImageCodecDecoder *base) {
    Decoder *decoder = decoder_of(base);
    if (decoder->created) {
        jpeg_destroy_decompress(&decoder->jpeg);
    }
    image_codec_bytes_clear(&decoder->profile);
    cmyk_conversion_destroy(decoder->conversion);
    free(decoder->row);
    free(decoder->rgb_row);
    free(decoder);
}

ImageCodecStatus image_codec_jpeg_open(
    const uint8_t *bytes, size_t count, const ImageCodecReadOptions *options,
    ImageCodecPicture *picture, ImageCodecDecoder **result,
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
    decoder->base = (ImageCodecDecoder){.read = read_picture, .close = close_decoder};
    decoder->bytes = bytes;
    decoder->count = count;
    decoder->options = options;
    begin(decoder, picture, message);
    open_file(decoder);
    ImageCodecStatus status = decoder->status;
    if (status == IMAGE_CODEC_OK) {
        *result = &decoder->base;
    } else {
        close_decoder(&decoder->base);
    }
    return status;
}
