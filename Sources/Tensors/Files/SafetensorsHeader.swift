/// What the head of a safetensors file says, checked against the rest of the file.
///
/// The format: an 8-byte little-endian length, that many bytes of JSON, then the tensors'
/// bytes with neither gap nor overlap (<https://github.com/huggingface/safetensors>).
struct SafetensorsHeader {
    /// The longest header that any reader of the format accepts, in bytes.
    static let maximumByteCount = 100_000_000
    /// The one key of the header that is not a tensor's name.
    static let metadataKey = "__metadata__"

    let metadata: [String: String]
    let tensors: [String: StoredTensor]
    /// Where each tensor's bytes lie, counted from the start of the file.
    let ranges: [String: Range<Int>]

    /// - Parameter file: the whole file.
    /// - Throws: a `.malformed` or `.unsupported` defect; nothing in the file is trusted.
    init(file: UnsafeRawBufferPointer) throws(FileDefect) {
        guard let length = file.littleEndian(UInt64.self, at: 0) else {
            throw .malformed(
                "it is only \(file.count) bytes long, too short for a safetensors file")
        }
        guard length <= Self.maximumByteCount else {
            throw .malformed("it claims a header of \(length) bytes, more than the format allows")
        }
        guard let header = file.part(at: 8, length: Int(length)) else {
            throw .malformed(
                "it claims a header of \(length) bytes but is only \(file.count) bytes long")
        }
        guard header.first == UInt8(ascii: "{"),
            case .object(let members) = try JSONParser.parse(header)
        else { throw .malformed("its header is not a JSON object") }

        var metadata: [String: String] = [:]
        var tensors: [String: StoredTensor] = [:]
        var ranges: [String: Range<Int>] = [:]
        let start = 8 + header.count
        // In order, so that of several faults the same one is always told.
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if name == Self.metadataKey {
                metadata = try Self.metadata(member)
                continue
            }
            let (tensor, range) = try Self.tensor(name, member, available: file.count - start)
            tensors[name] = tensor
            ranges[name] = start + range.lowerBound..<start + range.upperBound
        }
        try Self.checkCover(ranges, from: start, to: file.count)
        self.metadata = metadata
        self.tensors = tensors
        self.ranges = ranges
    }

    private static func metadata(_ value: JSONValue) throws(FileDefect) -> [String: String] {
        guard case .object(let members) = value else {
            throw .malformed("the metadata in its header is not a JSON object")
        }
        var metadata: [String: String] = [:]
        for (key, value) in members {
            guard case .string(let text) = value else {
                throw .malformed("the metadata \(quoted(key)) in its header is not text")
            }
            metadata[key] = text
        }
        return metadata
    }

    /// One tensor and its place among the `available` bytes after the header.
    private static func tensor(
        _ name: String, _ value: JSONValue, available: Int
    ) throws(FileDefect) -> (StoredTensor, Range<Int>) {
        let subject = "the tensor \(quoted(name))"
        guard case .object(let members) = value else {
            throw .malformed("\(subject) is not described by a JSON object")
        }
        guard case .string(let typeName) = members["dtype"] else {
            throw .malformed("\(subject) has no element type")
        }
        guard let dtype = StoredDType(rawValue: typeName) else {
            throw .unsupported(
                "\(subject) has the element type \(quoted(typeName)), which is not known here")
        }
        guard case .array(let extents) = members["shape"] else {
            throw .malformed("\(subject) has no shape")
        }
        let shape = try wholeNumbers(extents, "an extent", of: subject)
        guard let tensor = StoredTensor(name: name, dtype: dtype, shape: shape) else {
            throw .malformed("\(subject) has an impossibly large shape")
        }
        guard case .array(let pair) = members["data_offsets"], pair.count == 2 else {
            throw .malformed("\(subject) has no pair of data offsets")
        }
        let offsets = try wholeNumbers(pair, "a data offset", of: subject)
        let (begin, end) = (offsets[0], offsets[1])
        guard begin <= end else {
            throw .malformed("\(subject) ends at byte \(end), before it begins at byte \(begin)")
        }
        guard end <= available else {
            throw .malformed(
                "\(subject) ends at byte \(end), but only \(available) bytes follow the header")
        }
        guard end - begin == tensor.byteCount else {
            throw .malformed(
                "\(subject) has \(end - begin) bytes where its shape and element type need \(tensor.byteCount)"
            )
        }
        return (tensor, begin..<end)
    }

    private static func wholeNumbers(
        _ values: [JSONValue], _ what: String, of subject: String
    ) throws(FileDefect) -> [Int] {
        var numbers: [Int] = []
        for value in values {
            guard case .integer(let number) = value, number >= 0 else {
                throw .malformed("\(subject) has \(what) that is not a whole number from 0 up")
            }
            numbers.append(number)
        }
        return numbers
    }

    /// Checks that the ranges, laid end to end, are exactly `start..<end`.
    private static func checkCover(
        _ ranges: [String: Range<Int>], from start: Int, to end: Int
    ) throws(FileDefect) {
        var covered = start
        let inOrder = ranges.sorted {
            ($0.value.lowerBound, $0.value.upperBound) < ($1.value.lowerBound, $1.value.upperBound)
        }
        for (name, range) in inOrder {
            if range.lowerBound > covered {
                throw .malformed(
                    "\(range.lowerBound - covered) bytes before the tensor \(quoted(name)) belong to no tensor"
                )
            }
            if range.lowerBound < covered {
                throw .malformed("the tensor \(quoted(name)) overlaps another")
            }
            covered = range.upperBound
        }
        guard covered == end else {
            throw .malformed("the last \(end - covered) bytes of it belong to no tensor")
        }
    }
}
