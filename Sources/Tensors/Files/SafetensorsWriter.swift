/// Writes safetensors files.
///
/// The same tensors and metadata always give the same bytes: tensors lie in order of
/// element size (largest first, so that each is aligned) and then of name, keys are sorted,
/// and the header is padded with spaces so that the tensors begin at a multiple of 8.
public enum SafetensorsWriter {
    /// Writes a file, or leaves whatever lies at the path untouched.
    ///
    /// Each tensor goes straight to disk in turn. The file appears under its name only once
    /// it is complete and flushed; a link at the path is replaced, not followed.
    ///
    /// - Parameters:
    ///   - tensors: in any order; names must differ.
    ///   - metadata: free text to keep with them.
    /// - Throws: `.cannotWrite`, or what a source's `produce` throws.
    public static func write(
        _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String
    ) throws {
        let ordered = tensors.sorted {
            $0.dtype.byteCount != $1.dtype.byteCount
                ? $0.dtype.byteCount > $1.dtype.byteCount
                : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        let (head, sizes) = try layOut(ordered, metadata: metadata, path: path)
        let file = try AtomicFile(path: path)
        try head.withUnsafeBytes { try file.write($0) }
        for (tensor, size) in zip(ordered, sizes) {
            var written = 0
            try tensor.produce { bytes in
                guard bytes.count <= size - written else {
                    throw failure(
                        "the tensor \(quoted(tensor.name)) has more bytes than its shape needs",
                        path)
                }
                try file.write(bytes)
                written += bytes.count
            }
            guard written == size else {
                throw failure(
                    "the tensor \(quoted(tensor.name)) has \(written) bytes where its shape needs \(size)",
                    path)
            }
        }
        try file.commit()
    }

    /// The length word and padded header, and the size of each tensor in the order given.
    private static func layOut(
        _ tensors: [TensorSource], metadata: [String: String], path: String
    ) throws(TensorFileError) -> (head: [UInt8], sizes: [Int]) {
        var members: [String: String] = [:]
        var sizes: [Int] = []
        var begin = 0
        for tensor in tensors {
            let subject = "the tensor \(quoted(tensor.name))"
            guard tensor.name != SafetensorsHeader.metadataKey else {
                throw failure("\(subject) has a name that the format keeps for itself", path)
            }
            guard members[tensor.name] == nil else {
                throw failure("\(subject) is given twice", path)
            }
            guard let size = tensor.dtype.byteCount(of: tensor.shape) else {
                throw failure("\(subject) has an impossible shape", path)
            }
            let (end, overflow) = begin.addingReportingOverflow(size)
            guard !overflow else {
                throw failure("the tensors together are impossibly large", path)
            }
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members[tensor.name] =
                #"{"data_offsets":[\#(begin),\#(end)],"dtype":"\#(tensor.dtype.rawValue)","shape":[\#(shape)]}"#
            sizes.append(size)
            begin = end
        }
        if !metadata.isEmpty {
            members[SafetensorsHeader.metadataKey] = object(metadata.mapValues(string))
        }
        var header = Array(object(members).utf8)
        header.append(
            contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        guard header.count <= SafetensorsHeader.maximumByteCount else {
            throw failure("its header would be longer than the format allows", path)
        }
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
        return (length + header, sizes)
    }

    /// A JSON object with its keys sorted; the values are JSON already.
    private static func object(_ members: [String: String]) -> String {
        let pairs = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return "{" + pairs.map { string($0.key) + ":" + $0.value }.joined(separator: ",") + "}"
    }

    /// A JSON string.
    private static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func failure(_ reason: String, _ path: String) -> TensorFileError {
        TensorFileError(.cannotWrite, path: path, reason: reason)
    }
}
