import Diffusion

/// A part of a U-Net with concatenated skips that published networks have as well.
enum NetworkPart {
    case down(level: Int, index: Int)
    case shrink(level: Int)
    case middle(index: Int)
    case grow(level: Int)
    case up(level: Int, index: Int)

    /// The parts of a network, in order.
    static func all(_ configuration: UNetConfiguration) -> [NetworkPart] {
        let levels = configuration.multipliers.indices
        var parts: [NetworkPart] = []
        for level in levels {
            parts += (0..<configuration.blocks).map { .down(level: level, index: $0) }
            if level + 1 < levels.count { parts.append(.shrink(level: level)) }
        }
        parts += [.middle(index: 0), .middle(index: 1)]
        for level in levels.reversed() {
            if level + 1 < levels.count { parts.append(.grow(level: level)) }
            parts += (0...configuration.blocks).map { .up(level: level, index: $0) }
        }
        return parts
    }

    /// Its name in ``UNet``.
    var name: String {
        switch self {
        case .down(let level, let index): "down\(level)_\(index)"
        case .shrink(let level): "shrink\(level)"
        case .middle(let index): index == 0 ? "middle" : "middle\(index)"
        case .grow(let level): "grow\(level)"
        case .up(let level, let index): "up\(level)_\(index)"
        }
    }

    /// Whether it is a change of size, not a block.
    var isResize: Bool {
        switch self {
        case .shrink, .grow: true
        case .down, .middle, .up: false
        }
    }
}
