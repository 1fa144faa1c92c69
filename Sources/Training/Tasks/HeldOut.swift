import ImageFiles

/// Reading of pictures that are not trained on.
enum HeldOut {
    /// What `body` makes of each picture that can be read, 8-bit RGB.
    ///
    /// - Parameter body: given the picture's place and the picture; nil if it is too small.
    /// - Returns: the cases, and why the other pictures are left out.
    static func read<Case>(_ paths: [String], _ body: (Int, Image) throws -> Case?) throws -> (
        cases: [Case], unusable: [String]
    ) {
        var cases: [Case] = []
        var unusable: [String] = []
        for (index, path) in paths.enumerated() {
            let image: Image
            do {
                image = try Image.read(from: path).converted(bitDepth: 8).droppingAlpha().rgb()
            } catch {
                unusable.append("\(error)")
                continue
            }
            if let one = try body(index, image) {
                cases.append(one)
            } else {
                unusable.append("'\(path)' is too small to validate on")
            }
        }
        return (cases, unusable)
    }
}
