#include "Decoder.h"

#include <stddef.h>

ImageCodecStatus image_codec_decoder_read(
    ImageCodecDecoder *decoder, ImageCodecPicture *picture, ImageCodecShortfall *shortfall,
    char message[IMAGE_CODEC_MESSAGE_SIZE]) {
    message[0] = '\0';
    return decoder->read(decoder, picture, shortfall, message);
}

void image_codec_decoder_close(ImageCodecDecoder *decoder) {
    if (decoder != NULL) {
        decoder->close(decoder);
    }
}
