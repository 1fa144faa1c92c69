#ifndef PICTURE_H
#define PICTURE_H

#include "CImageCodecs.h"

/// Writes a formatted sentence into a caller's message buffer.
void image_codec_set_message(
    char message[IMAGE_CODEC_MESSAGE_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// Refuses sizes of zero and those past `maximum_pixels` or IMAGE_CODEC_MAXIMUM_SAMPLES.
ImageCodecStatus image_codec_check_size(
    uint64_t width, uint64_t height, uint64_t channels, uint64_t maximum_pixels,
    char message[IMAGE_CODEC_MESSAGE_SIZE]);

/// Checks what every encoder needs of its picture: a size, samples, channels, bit depth.
ImageCodecStatus image_codec_check_picture(
    const ImageCodecPicture *picture, char message[IMAGE_CODEC_MESSAGE_SIZE]);

#endif
