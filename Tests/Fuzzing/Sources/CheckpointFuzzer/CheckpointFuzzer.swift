@testable import TensorFiles

/// A PyTorch checkpoint opens or is refused by a ``FileDefect``; the elements of every tensor of one
/// that opens can be gathered.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let file = UnsafeRawBufferPointer(start: start, count: count)
    do {
        for (_, tensor) in try PyTorchCheckpoint.tensors(in: file) {
            // A few bytes may stand for 256 MB of repeated elements, which is allowed but takes its time.
            guard tensor.tensor.byteCount <= 1 << 16 else { continue }
            let bytes = tensor.contiguous(in: file)
            check(bytes.count == tensor.tensor.byteCount, "a tensor of the wrong size")
        }
    } catch {
        let isOneLine = !error.reason.unicodeScalars.contains { $0.properties.generalCategory == .control }
        check(isOneLine, "the message is not one plain line: \(error.reason)")
    }
    return 0
}

/// `precondition` says nothing of its reason in an optimised build.
private func check(_ condition: Bool, _ finding: @autoclosure () -> String) {
    if !condition { fatalError(finding()) }
}
