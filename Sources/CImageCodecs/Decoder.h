#ifndef DECODER_H
#define DECODER_H

#include "CImageCodecs.h"

/// What every decoder starts with.
struct ImageCodecDecoder {
    ImageCodecStatus (*read)(
        ImageCodecDecoder *decoder, ImageCodecPicture *picture,
        ImageCodecShortfall *shortfall, char message[IMAGE_CODEC_MESSAGE_SIZE]);
    void (*close)(ImageCodecDecoder *decoder);
};

/// How many times smaller a lenient reading lets a file be than its picture could possibly
/// be packed: what there is of a truncated file is worth having, but a few bytes shall not
/// make a huge picture.
#define DECODER_LENIENCE 16

#endif
