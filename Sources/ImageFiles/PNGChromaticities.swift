/// The white point and primaries of a PNG file (cHRM), in the file's own fixed point: CIE
/// 1931 x and y times 100000.
public struct PNGChromaticities: Sendable, Equatable {
    /// A chromaticity, times 100000.
    public struct Point: Sendable, Equatable {
        public var x: Int32
        public var y: Int32

        public init(x: Int32, y: Int32) {
            self.x = x
            self.y = y
        }
    }

    public var white: Point
    public var red: Point
    public var green: Point
    public var blue: Point

    public init(white: Point, red: Point, green: Point, blue: Point) {
        self.white = white
        self.red = red
        self.green = green
        self.blue = blue
    }
}
