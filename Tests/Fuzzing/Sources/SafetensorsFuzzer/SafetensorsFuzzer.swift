import CLibFuzzer

@testable import TensorFiles

/// A safetensors file opens or is refused by a ``FileDefect``; in one that opens, every byte of
/// every tensor lies in the file, and the tensors and the header are the whole of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer's copy ends where the file ends, so that the address sanitizer sees each byte read beyond.
    let file = UnsafeRawBufferPointer(start: start, count: count)
    let header: SafetensorsHeader
    do {
        header = try SafetensorsHeader(file: file)
    } catch {
        check(isOneLine(error.reason), "the message is not one plain line: \(error.reason)")
        return 0
    }
    check(header.tensors.count == header.ranges.count, "a tensor without a place")
    var left = count - 8 - header.byteCount(in: file)
    for (name, tensor) in header.tensors {
        guard let range = header.ranges[name],
            let bytes = file.part(at: range.lowerBound, length: range.count)
        else { fatalError("a tensor outside the file") }
        check(bytes.count == tensor.byteCount, "a tensor of the wrong size")
        sum = bytes.reduce(sum, &+)
        left -= bytes.count
    }
    check(left == 0, "bytes that belong to no tensor")
    return 0
}

/// Changes the header alone, most of the time, and then repairs its length and that of the data.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(
    _ start: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt
) -> Int {
    let file = UnsafeMutableRawBufferPointer(start: start, count: capacity)
    guard seed % 8 != 0, count >= 8 else { return LLVMFuzzerMutate(start, count, capacity) }
    let length = UnsafeRawBufferPointer(file).loadUnaligned(as: UInt64.self)
    guard length <= count - 8, capacity >= 8 + maximumDataCount else {
        return LLVMFuzzerMutate(start, count, capacity)
    }
    var header = [UInt8](file[8..<8 + Int(length)])
    let headerCapacity = capacity - 8 - maximumDataCount
    guard header.count <= headerCapacity else { return LLVMFuzzerMutate(start, count, capacity) }
    header += [UInt8](repeating: 0, count: headerCapacity - header.count)
    let headerCount = header.withUnsafeMutableBufferPointer {
        LLVMFuzzerMutate($0.baseAddress, Int(length), headerCapacity)
    }
    // As many bytes of data as before, or a few more or less.
    let change = Int(seed / 8 % 4) == 0 ? Int(seed / 32 % 17) - 8 : 0
    let dataCount = min(max(count - 8 - Int(length) + change, 0), maximumDataCount)
    file.storeBytes(of: UInt64(headerCount), as: UInt64.self)
    file[8..<8 + headerCount].copyBytes(from: header[..<headerCount])
    for index in 0..<dataCount { file[8 + headerCount + index] = UInt8(truncatingIfNeeded: index) }
    return 8 + headerCount + dataCount
}

private let maximumDataCount = 256

/// Keeps the compiler from leaving the reads out.
nonisolated(unsafe) var sum: UInt8 = 0

private func isOneLine(_ text: String) -> Bool {
    !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
}

extension SafetensorsHeader {
    fileprivate func byteCount(in file: UnsafeRawBufferPointer) -> Int {
        file.littleEndian(UInt64.self, at: 0).flatMap { Int(exactly: $0) } ?? 0
    }
}

/// `precondition` says nothing of its reason in an optimised build.
private func check(_ condition: Bool, _ finding: @autoclosure () -> String) {
    if !condition { fatalError(finding()) }
}
