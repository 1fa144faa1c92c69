import ArgumentParser
import Diffusion

/// How much memory restoring may take.
struct TilingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Memory that restoring may take, such as 2G or 800M (default: most of what is free); large pictures are cut into tiles that fit.",
            valueName: "size"))
    var memory: ByteCount?

    @Option(help: "Side of the tiles in pixels, for trying out (default: automatic).")
    var tile: Int?

    func validate() throws {
        if let tile, !(32...65536).contains(tile) {
            throw ValidationError("--tile must be from 32 to 65536")
        }
    }

    var tiling: Tiling { Tiling(memory: memory.map { Double($0.bytes) }, side: tile) }
}

/// A number of bytes, with K, M, G or T for powers of 1024.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        let units = ["K": 10, "M": 20, "G": 30, "T": 40]
        var text = argument.uppercased()
        if text.hasSuffix("IB") { text.removeLast(2) } else if text.hasSuffix("B") { text.removeLast() }
        var shift = 0
        if let unit = text.last.flatMap({ units[String($0)] }) {
            shift = unit
            text.removeLast()
        }
        guard let number = Double(text), number > 0, number.isFinite else { return nil }
        let scaled = number * Double(1 << shift)
        guard scaled >= 1, scaled < 0x1p62 else { return nil }
        bytes = Int(scaled)
    }
}
