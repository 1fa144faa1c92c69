#include "CMYKConversion.h"

#include <lcms2.h>
#include <stdlib.h>

struct CMYKConversion {
    cmsContext context;
    cmsHTRANSFORM transform;
};

static cmsHTRANSFORM create_transform(
    cmsContext context, cmsHPROFILE source, cmsHPROFILE target, bool is_inverted) {
    if (source == NULL || target == NULL
        || cmsGetColorSpace(source) != cmsSigCmykData) {
        return NULL;
    }
    cmsUInt32Number format = is_inverted ? TYPE_CMYK_8_REV : TYPE_CMYK_8;
    return cmsCreateTransformTHR(
        context, source, format, target, TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC,
        cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_HIGHRESPRECALC);
}

CMYKConversion *cmyk_conversion_create(
    const uint8_t *profile, size_t count, bool is_inverted) {
    CMYKConversion *conversion = calloc(1, sizeof(CMYKConversion));
    if (conversion == NULL || count > UINT32_MAX) {
        free(conversion);
        return NULL;
    }
    // A context of its own: the process-wide one may belong to someone else.
    conversion->context = cmsCreateContext(NULL, NULL);
    if (conversion->context != NULL) {
        cmsHPROFILE source = cmsOpenProfileFromMemTHR(
            conversion->context, profile, (cmsUInt32Number)count);
        cmsHPROFILE target = cmsCreate_sRGBProfileTHR(conversion->context);
        conversion->transform =
            create_transform(conversion->context, source, target, is_inverted);
        if (source != NULL) {
            cmsCloseProfile(source);
        }
        if (target != NULL) {
            cmsCloseProfile(target);
        }
    }
    if (conversion->transform == NULL) {
        cmyk_conversion_destroy(conversion);
        return NULL;
    }
    return conversion;
}

void cmyk_conversion_apply(
    const CMYKConversion *conversion, const uint8_t *cmyk, uint8_t *rgb, size_t pixels) {
    // A row of JPEG has at most 65500 pixels.
    cmsDoTransform(conversion->transform, cmyk, rgb, (cmsUInt32Number)pixels);
}

void cmyk_conversion_destroy(CMYKConversion *conversion) {
    if (conversion == NULL) {
        return;
    }
    if (conversion->transform != NULL) {
        cmsDeleteTransform(conversion->transform);
    }
    if (conversion->context != NULL) {
        cmsDeleteContext(conversion->context);
    }
    free(conversion);
}
