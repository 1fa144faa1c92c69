/// How the stored pixels must be turned to be seen upright (EXIF tag 0x0112).
///
/// Each case says which side of the upright picture the first stored row and column are.
enum Orientation: Int, CaseIterable {
    case topLeft = 1
    case topRight = 2
    case bottomRight = 3
    case bottomLeft = 4
    case leftTop = 5
    case rightTop = 6
    case rightBottom = 7
    case leftBottom = 8

    /// Whether width and height change places.
    var swapsAxes: Bool { rawValue >= 5 }

    /// The stored pixel seen at (x, y) of the upright picture, for a stored picture of the
    /// given size.
    func storedPosition(x: Int, y: Int, width: Int, height: Int) -> (x: Int, y: Int) {
        switch self {
        case .topLeft: (x, y)
        case .topRight: (width - 1 - x, y)
        case .bottomRight: (width - 1 - x, height - 1 - y)
        case .bottomLeft: (x, height - 1 - y)
        case .leftTop: (y, x)
        case .rightTop: (y, height - 1 - x)
        case .rightBottom: (width - 1 - y, height - 1 - x)
        case .leftBottom: (width - 1 - y, x)
        }
    }
}
