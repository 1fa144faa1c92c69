import Testing

@testable import ImageFiles

@Suite("XMP packets")
struct XMPPacketTests {
    private func text(_ packet: XMPPacket) -> String { String(decoding: packet.bytes, as: UTF8.self) }

    @Test("sizes are rewritten as attributes and as elements, all else stays")
    func setsSize() {
        var packet = XMPPacket(
            Array(
                """
                <r exif:PixelXDimension="6" exif:PixelYDimension = '5' my-exif:PixelXDimension="7"
                tiff:ImageWidth="6" x="exif:PixelXDimension" tiff:ImageLength="no number">
                <exif:PixelXDimension>6</exif:PixelXDimension><tiff:ImageLength> 5 </tiff:ImageLength>
                <exif:PixelYDimension>5<i/></exif:PixelYDimension>ünï</r>
                """.utf8))
        packet.setPixelSize(width: 4000, height: 30)
        #expect(
            text(packet) == """
                <r exif:PixelXDimension="4000" exif:PixelYDimension = '30' my-exif:PixelXDimension="7"
                tiff:ImageWidth="4000" x="exif:PixelXDimension" tiff:ImageLength="no number">
                <exif:PixelXDimension>4000</exif:PixelXDimension><tiff:ImageLength> 30 </tiff:ImageLength>
                <exif:PixelYDimension>5<i/></exif:PixelYDimension>ünï</r>
                """)
    }

    @Test("the sizes in a file are those of its picture", arguments: ImageFormat.allCases)
    func followsPicture(format: ImageFormat) throws {
        let xmp = "<r tiff:ImageWidth=\"3\" tiff:ImageLength=\"2\"/>"
        let image = try Fixtures.image(
            width: 3, height: 2, channels: 3, bitDepth: 8, metadata: ImageMetadata(xmp: Array(xmp.utf8)))
        let large = try image.resized(width: 1200, height: 80)
        let read = try Image.decoded(from: large.encoded(as: format), name: "large")
        #expect(
            read.metadata.xmp.map { String(decoding: $0, as: UTF8.self) }
                == "<r tiff:ImageWidth=\"1200\" tiff:ImageLength=\"80\"/>")
    }

    @Test("a packet's second part in JPEG is left out, and with it what refers to it")
    func dropsExtension() throws {
        let main = "<r a=\"b\" xmpNote:HasExtendedXMP=\"0123456789ABCDEF0123456789ABCDEF\" c=\"d\"/>"
        var bytes = try Fixtures.image(
            width: 3, height: 2, channels: 3, bitDepth: 8, metadata: ImageMetadata(xmp: Array(main.utf8))
        ).encoded(as: .jpeg)
        bytes = JPEGFile.inserting(
            0xE1, Array("http://ns.adobe.com/xmp/extension/\0".utf8) + [UInt8](repeating: 65, count: 99),
            in: bytes)
        var notes: [String] = []
        let image = try Image.decoded(from: bytes, name: "x.jpg") { notes.append($0) }
        let packet = try #require(image.metadata.xmp.map { String(decoding: $0, as: UTF8.self) })
        #expect(packet.filter { $0 != " " } == "<ra=\"b\"c=\"d\"/>")
        #expect(packet.utf8.count == main.utf8.count)
        #expect(notes == ["the second part of the XMP of 'x.jpg' was left out"])
    }

    @Test("bytes that only look like a packet are harmless")
    func survivesNoise() {
        for text in [
            "", "tiff:Orientation", "<tiff:Orientation", "<tiff:Orientation>", " tiff:Orientation=",
            " tiff:Orientation=\"", " tiff:Orientation=\"6", "<tiff:Orientation>6<", "tiff:Orientation=\"6\"",
            "<tiff:Orientation></tiff:Orientation>", " tiff:Orientation=6",
        ] {
            var packet = XMPPacket(Array(text.utf8))
            packet.resetOrientation()
            let isExtended = packet.removeExtensionReference()
            #expect(self.text(packet) == text)
            #expect(!isExtended)
        }
    }
}
