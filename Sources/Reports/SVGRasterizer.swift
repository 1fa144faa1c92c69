import Foundation

/// SVG to PNG through librsvg and cairo, where they are installed: they are opened when first needed,
/// so that nothing else depends on them.
public enum SVGRasterizer {
    /// The sentence for where it is not available.
    public static let missing = "a PNG of the curve needs librsvg (Debian: apt install librsvg2-2)"

    public static var isAvailable: Bool { libraries != nil }

    /// The drawing as a PNG file.
    ///
    /// - Parameter width: of the picture in pixels, 1 to 10,000; its height follows from the drawing.
    /// - Throws: ``ReportError`` when librsvg is not there or refuses the drawing.
    public static func png(svg: String, width: Int) throws -> Data {
        guard let libraries else { throw ReportError(missing) }
        guard (1...10_000).contains(width) else { throw ReportError("a picture is 1 to 10000 pixels wide") }
        let bytes = Array(svg.utf8)
        guard let handle = libraries.open(bytes, bytes.count, nil) else {
            throw ReportError("the drawing cannot be read by librsvg")
        }
        defer { libraries.release(handle) }
        let height = Int((Double(width) * CurveChart.height / CurveChart.width).rounded())
        guard let surface = libraries.makeSurface(0, Int32(width), Int32(height)) else {
            throw ReportError("there is no memory for a picture of \(width)×\(height) pixels")
        }
        defer { libraries.destroySurface(surface) }
        guard let context = libraries.makeContext(surface) else {
            throw ReportError("cairo cannot draw on a picture of \(width)×\(height) pixels")
        }
        defer { libraries.destroyContext(context) }
        var viewport = [0, 0, Double(width), Double(height)]
        guard libraries.render(handle, context, &viewport, nil) != 0 else {
            throw ReportError("the drawing cannot be rendered by librsvg")
        }
        final class Sink { var data = Data() }
        let sink = Sink()
        let status = libraries.writePNG(
            surface,
            { closure, bytes, count in
                guard let closure, let bytes else { return 11 }
                Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue().data.append(
                    bytes, count: Int(count))
                return 0
            }, Unmanaged.passUnretained(sink).toOpaque())
        guard status == 0, !sink.data.isEmpty else { throw ReportError("cairo cannot write the picture") }
        return sink.data
    }

    private typealias Pointer = UnsafeMutableRawPointer
    private typealias Writer = @convention(c) (Pointer?, UnsafePointer<UInt8>?, UInt32) -> Int32

    /// The few functions that are used, with their C types.
    private struct Libraries: @unchecked Sendable {
        // Unchecked: function pointers do not change.
        let open: @convention(c) (UnsafePointer<UInt8>, Int, Pointer?) -> Pointer?
        let render: @convention(c) (Pointer, Pointer, UnsafeMutablePointer<Double>, Pointer?) -> Int32
        let release: @convention(c) (Pointer) -> Void
        let makeSurface: @convention(c) (Int32, Int32, Int32) -> Pointer?
        let destroySurface: @convention(c) (Pointer) -> Void
        let makeContext: @convention(c) (Pointer) -> Pointer?
        let destroyContext: @convention(c) (Pointer) -> Void
        let writePNG: @convention(c) (Pointer, Writer, Pointer?) -> Int32

        init?() {
            guard let rsvg = dlopen("librsvg-2.so.2", RTLD_NOW),
                let cairo = dlopen("libcairo.so.2", RTLD_NOW),
                let gobject = dlopen("libgobject-2.0.so.0", RTLD_NOW)
            else { return nil }
            func find<Function>(_ name: String, _ library: Pointer) -> Function? {
                dlsym(library, name).map { unsafeBitCast($0, to: Function.self) }
            }
            guard
                let open: @convention(c) (UnsafePointer<UInt8>, Int, Pointer?) -> Pointer? = find(
                    "rsvg_handle_new_from_data", rsvg),
                let render: @convention(c) (Pointer, Pointer, UnsafeMutablePointer<Double>, Pointer?) -> Int32
                =
                    find("rsvg_handle_render_document", rsvg),
                let release: @convention(c) (Pointer) -> Void = find("g_object_unref", gobject),
                let makeSurface: @convention(c) (Int32, Int32, Int32) -> Pointer? = find(
                    "cairo_image_surface_create", cairo),
                let destroySurface: @convention(c) (Pointer) -> Void = find("cairo_surface_destroy", cairo),
                let makeContext: @convention(c) (Pointer) -> Pointer? = find("cairo_create", cairo),
                let destroyContext: @convention(c) (Pointer) -> Void = find("cairo_destroy", cairo),
                let writePNG: @convention(c) (Pointer, Writer, Pointer?) -> Int32 = find(
                    "cairo_surface_write_to_png_stream", cairo)
            else { return nil }
            self.open = open
            self.render = render
            self.release = release
            self.makeSurface = makeSurface
            self.destroySurface = destroySurface
            self.makeContext = makeContext
            self.destroyContext = destroyContext
            self.writePNG = writePNG
        }
    }

    private static let libraries = Libraries()
}
