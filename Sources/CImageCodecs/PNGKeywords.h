#ifndef PNG_KEYWORDS_H
#define PNG_KEYWORDS_H

/// The keyword of the iTXt chunk that holds an XMP packet.
#define PNG_XMP_KEYWORD "XML:com.adobe.xmp"

/// The chunk of coding-independent code points, which libpng knows only from 1.6.45 on.
#define PNG_CICP_NAME "cICP"

#endif
