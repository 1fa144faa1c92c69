#ifndef JPEG_MARKERS_H
#define JPEG_MARKERS_H

// The signatures that tell apart the kinds of metadata sharing one APP marker. Their
// final zero belongs to the signature, so sizeof gives its length.

#include <stddef.h>

/// The most bytes one marker segment can hold beside its length field.
#define JPEG_SEGMENT_MAXIMUM 65533u

#define JPEG_EXIF_SIGNATURE "Exif\0"
#define JPEG_XMP_SIGNATURE "http://ns.adobe.com/xap/1.0/"
#define JPEG_ICC_SIGNATURE "ICC_PROFILE"

/// An ICC segment starts with its signature, its number from 1, and the total.
#define JPEG_ICC_HEADER_SIZE (sizeof(JPEG_ICC_SIGNATURE) + 2)

#endif
