@testable import ImageFiles

/// A picture with any EXIF block and XMP packet can be read, comes upright, and can be written and
/// read again without turning once more.
///
/// The first byte is the length of the XMP packet, which comes next; the rest is the EXIF block.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    guard let first = input.first else { return 0 }
    let xmp = input.dropFirst().prefix(Int(first))
    let exif = input.dropFirst(1 + xmp.count)
    guard exif.count < 65_500 else { return -1 }
    let file =
        carrier.prefix(2) + segment("Exif\0\0", exif) + segment("http://ns.adobe.com/xap/1.0/\0", xmp)
        + carrier.dropFirst(2)
    do {
        let picture = try Image.decoded(from: Array(file), name: "picture")
        check(isUpright(picture), "the picture would be turned again")
        for format in [ImageFormat.png, .jpeg] {
            let copy = try Image.decoded(from: picture.encoded(as: format), name: "copy")
            check(
                copy.width == picture.width && copy.height == picture.height, "the copy has another size")
            check(isUpright(copy), "the copy would be turned again")
        }
    } catch {
        fatalError("the metadata cost the picture: \(error)")
    }
    return 0
}

/// A JPEG file that is not square, so that a turn shows.
private let carrier: [UInt8] = {
    do {
        return try Image(
            width: 3, height: 2, channels: 1, bitDepth: 8, samples: [UInt16](repeating: 100, count: 6)
        ).encoded(as: .jpeg)
    } catch { fatalError("\(error)") }
}()

/// An APP1 segment.
private func segment(_ signature: String, _ content: some Collection<UInt8>) -> [UInt8] {
    let length = 2 + signature.utf8.count + content.count
    return [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + Array(signature.utf8) + content
}

private func isUpright(_ picture: Image) -> Bool {
    let orientation = picture.metadata.exif.flatMap { ExifBlock($0) }?.orientation
    return orientation == nil || orientation == .topLeft
}

/// `precondition` says nothing of its reason in an optimised build.
private func check(_ condition: Bool, _ finding: @autoclosure () -> String) {
    if !condition { fatalError(finding()) }
}
