#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "ByteBuffer.h"
#include "JPEGMarkers.h"
#include "Picture.h"

static const size_t OUTPUT_STEP = 65536;

typedef struct {
    struct jpeg_error_mgr errors;  // first, so that libjpeg's pointer is also ours
    struct jpeg_destination_mgr destination;
    struct jpeg_compress_struct jpeg;
    bool created;
    const ImageCodecPicture *picture;
    uint8_t *row;
    ByteBuffer segment;
    ByteBuffer output;

    jmp_buf escape;
    ImageCodecStatus status;
    char *message;
} Encoder;

static void fail_out_of_memory(Encoder *encoder) {
    image_codec_set_message(encoder->message, "there is not enough memory");
    encoder->status = IMAGE_CODEC_OUT_OF_MEMORY;
    longjmp(encoder->escape, 1);
}

static void handle_error(j_common_ptr jpeg) {
    Encoder *encoder = (Encoder *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    image_codec_set_message(encoder->message, "%s", text);
    encoder->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY
        ? IMAGE_CODEC_OUT_OF_MEMORY
        : IMAGE_CODEC_INVALID_ARGUMENT;
    longjmp(encoder->escape, 1);
}

static void ignore_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static void print_nothing(j_common_ptr jpeg) {
    (void)jpeg;
}

// libjpeg's own memory destination keeps its buffer to itself until the end, so an error
// in between would leak it: this one writes into a buffer that is ours from the start.

static void open_window(Encoder *encoder) {
    if (!byte_buffer_reserve(&encoder->output, OUTPUT_STEP)) {
        fail_out_of_memory(encoder);
    }
    encoder->destination.next_output_byte = encoder->output.bytes + encoder->output.count;
    encoder->destination.free_in_buffer = OUTPUT_STEP;
}

static void begin_output(j_compress_ptr jpeg) {
    open_window((Encoder *)jpeg->err);
}

static boolean enlarge_output(j_compress_ptr jpeg) {
    Encoder *encoder = (Encoder *)jpeg->err;
    // By libjpeg's contract the whole window is full here, whatever the fields say.
    encoder->output.count += OUTPUT_STEP;
    open_window(encoder);
    return TRUE;
}

static void end_output(j_compress_ptr jpeg) {
    Encoder *encoder = (Encoder *)jpeg->err;
    encoder->output.count += OUTPUT_STEP - encoder->destination.free_in_buffer;
}

static void write_app1(
    Encoder *encoder, const char *signature, size_t size, const ImageCodecBytes *bytes) {
    if (bytes->count == 0 || bytes->count > JPEG_SEGMENT_MAXIMUM - size) {
        return;
    }
    encoder->segment.count = 0;
    if (!byte_buffer_append(&encoder->segment, (const uint8_t *)signature, size)
        || !byte_buffer_append(&encoder->segment, bytes->bytes, bytes->count)) {
        fail_out_of_memory(encoder);
    }
    jpeg_write_marker(
        &encoder->jpeg, JPEG_APP0 + 1, encoder->segment.bytes,
        (unsigned)encoder->segment.count);
}

static void write_icc_profile(Encoder *encoder, const ImageCodecBytes *profile) {
    size_t part_maximum = JPEG_SEGMENT_MAXIMUM - JPEG_ICC_HEADER_SIZE;
    size_t total = (profile->count + part_maximum - 1) / part_maximum;
    if (total == 0 || total > 255) {
        return;
    }
    for (size_t i = 0; i < total; i++) {
        size_t offset = i * part_maximum;
        size_t part = profile->count - offset;
        if (part > part_maximum) {
            part = part_maximum;
        }
        uint8_t numbers[2] = {(uint8_t)(i + 1), (uint8_t)total};
        encoder->segment.count = 0;
        if (!byte_buffer_append(
                &encoder->segment, (const uint8_t *)JPEG_ICC_SIGNATURE,
                sizeof(JPEG_ICC_SIGNATURE))
            || !byte_buffer_append(&encoder->segment, numbers, sizeof(numbers))
            || !byte_buffer_append(&encoder->segment, profile->bytes + offset, part)) {
            fail_out_of_memory(encoder);
        }
        jpeg_write_marker(
            &encoder->jpeg, JPEG_APP0 + 2, encoder->segment.bytes,
            (unsigned)encoder->segment.count);
    }
}

static void set_resolution(Encoder *encoder) {
    const ImageCodecMetadata *metadata = &encoder->picture->metadata;
    if (!metadata->has_resolution || metadata->resolution_x < 1
        || metadata->resolution_x > UINT16_MAX || metadata->resolution_y < 1
        || metadata->resolution_y > UINT16_MAX) {
        return;
    }
    switch (metadata->resolution_unit) {
    case IMAGE_CODEC_UNIT_NONE:
        encoder->jpeg.density_unit = 0;
        break;
    case IMAGE_CODEC_UNIT_INCH:
        encoder->jpeg.density_unit = 1;
        break;
    case IMAGE_CODEC_UNIT_CENTIMETRE:
        encoder->jpeg.density_unit = 2;
        break;
    default:
        return;
    }
    encoder->jpeg.X_density = (UINT16)metadata->resolution_x;
    encoder->jpeg.Y_density = (UINT16)metadata->resolution_y;
}

static void write_rows(Encoder *encoder) {
    const ImageCodecPicture *picture = encoder->picture;
    size_t row_samples = (size_t)picture->width * picture->channels;
    encoder->row = malloc(row_samples);
    if (encoder->row == NULL) {
        fail_out_of_memory(encoder);
    }
    for (uint32_t y = 0; y < picture->height; y++) {
        const uint16_t *samples = picture->samples + y * row_samples;
        for (size_t i = 0; i < row_samples; i++) {
            encoder->row[i] = samples[i] > 255 ? 255 : (uint8_t)samples[i];
        }
        JSAMPROW rows[1] = {encoder->row};
        jpeg_write_scanlines(&encoder->jpeg, rows, 1);
    }
}

// The only function that setjmp returns into; see the decoder.
static void encode(Encoder *encoder, const ImageCodecWriteOptions *options) {
    if (setjmp(encoder->escape) != 0) {
        return;
    }
    struct jpeg_compress_struct *jpeg = &encoder->jpeg;
    const ImageCodecPicture *picture = encoder->picture;
    jpeg->err = jpeg_std_error(&encoder->errors);
    encoder->errors.error_exit = handle_error;
    encoder->errors.emit_message = ignore_message;
    encoder->errors.output_message = print_nothing;
    encoder->created = true;
    jpeg_create_compress(jpeg);
    encoder->destination.init_destination = begin_output;
    encoder->destination.empty_output_buffer = enlarge_output;
    encoder->destination.term_destination = end_output;
    jpeg->dest = &encoder->destination;

    jpeg->image_width = picture->width;
    jpeg->image_height = picture->height;
    jpeg->input_components = (int)picture->channels;
    jpeg->in_color_space = picture->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, options->jpeg_quality, TRUE);
    jpeg->optimize_coding = TRUE;
    int luma_sampling = picture->channels == 3 && options->jpeg_quality < 90 ? 2 : 1;
    jpeg->comp_info[0].h_samp_factor = luma_sampling;
    jpeg->comp_info[0].v_samp_factor = luma_sampling;
    if (options->jpeg_is_progressive) {
        jpeg_simple_progression(jpeg);
    }
    set_resolution(encoder);

    jpeg_start_compress(jpeg, TRUE);
    write_app1(
        encoder, JPEG_EXIF_SIGNATURE, sizeof(JPEG_EXIF_SIGNATURE),
        &picture->metadata.exif);
    write_app1(
        encoder, JPEG_XMP_SIGNATURE, sizeof(JPEG_XMP_SIGNATURE), &picture->metadata.xmp);
    write_icc_profile(encoder, &picture->metadata.icc_profile);
    write_rows(encoder);
    jpeg_finish_compress(jpeg);
    encoder->status = IMAGE_CODEC_OK;
}

static ImageCodecStatus check_arguments(
    const ImageCodecPicture *picture, int quality,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    ImageCodecStatus status = image_codec_check_picture(picture, message);
    if (status != IMAGE_CODEC_OK) {
        return status;
    }
    if (picture->bit_depth != 8 || (picture->channels != 1 && picture->channels != 3)) {
        image_codec_set_message(message, "JPEG holds 8-bit gray or RGB only");
        return IMAGE_CODEC_INVALID_ARGUMENT;
    }
    if (picture->width > JPEG_MAX_DIMENSION || picture->height > JPEG_MAX_DIMENSION) {
        image_codec_set_message(
            message, "JPEG holds at most %ld pixels along a side",
            (long)JPEG_MAX_DIMENSION);
        return IMAGE_CODEC_INVALID_ARGUMENT;
    }
    if (quality < 1 || quality > 100) {
        image_codec_set_message(message, "JPEG quality %d is not in 1...100", quality);
        return IMAGE_CODEC_INVALID_ARGUMENT;
    }
    return IMAGE_CODEC_OK;
}

ImageCodecStatus image_codec_jpeg_encode(
    const ImageCodecPicture *picture, const ImageCodecWriteOptions *options,
    ImageCodecBytes *output, char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    message[0] = '\0';
    ImageCodecStatus status = check_arguments(picture, options->jpeg_quality, message);
    if (status != IMAGE_CODEC_OK) {
        return status;
    }
    Encoder *encoder = calloc(1, sizeof(Encoder));
    if (encoder == NULL) {
        image_codec_set_message(message, "there is not enough memory");
        return IMAGE_CODEC_OUT_OF_MEMORY;
    }
    encoder->picture = picture;
    encoder->status = IMAGE_CODEC_INVALID_ARGUMENT;
    encoder->message = message;
    encode(encoder, options);
    if (encoder->created) {
        jpeg_destroy_compress(&encoder->jpeg);
    }
    status = encoder->status;
    if (status == IMAGE_CODEC_OK) {
        output->bytes = encoder->output.bytes;
        output->count = encoder->output.count;
    } else {
        byte_buffer_clear(&encoder->output);
    }
    byte_buffer_clear(&encoder->segment);
    free(encoder->row);
    free(encoder);
    return status;
}
