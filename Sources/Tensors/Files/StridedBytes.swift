/// A view of elements at regular distances, checked to lie inside its storage.
struct StridedBytes {
    /// The storage's bytes, as a place in the file.
    let storage: Range<Int>
    let tensor: StoredTensor
    private let offset: Int
    private let strides: [Int]

    /// - Parameter storage: where the storage's bytes lie; checked already.
    /// - Throws: a `.malformed` defect where the view is impossible or leaves its storage.
    init(name: String, view: PickledTensor, storage: Range<Int>) throws(FileDefect) {
        let subject = "the tensor \(quoted(name))"
        guard view.shape.count == view.strides.count, view.offset >= 0,
            view.strides.allSatisfy({ $0 >= 0 }),
            let tensor = StoredTensor(name: name, dtype: view.storage.dtype, shape: view.shape)
        else { throw .malformed("\(subject) has an impossible shape, stride or offset") }
        let size = view.storage.dtype.byteCount.multipliedReportingOverflow(by: view.storage.count)
        guard !size.overflow, size.partialValue <= storage.count else {
            throw .malformed("\(subject) needs more bytes than are stored for it")
        }
        // The last element touched, plus one.
        var end = view.offset
        var overflowed = false
        if tensor.elementCount > 0 {
            for (extent, stride) in zip(view.shape + [2], view.strides + [1]) {
                let (reach, spilled) = (extent - 1).multipliedReportingOverflow(by: stride)
                let (sum, overflow) = end.addingReportingOverflow(reach)
                overflowed = overflowed || spilled || overflow
                end = sum
            }
        }
        guard !overflowed, end <= view.storage.count else {
            throw .malformed("\(subject) reaches beyond the bytes stored for it")
        }
        self.tensor = tensor
        self.storage = storage
        offset = view.offset
        strides = view.strides
    }

    /// The elements in row-major order with no gaps.
    ///
    /// - Parameter file: the bytes that `storage` is a place in.
    func contiguous(in file: UnsafeRawBufferPointer) -> [UInt8] {
        guard tensor.byteCount > 0,
            let bytes = file.part(at: storage.lowerBound, length: storage.count)
        else {
            return []
        }
        if isContiguous {
            return bytes.part(at: offset * tensor.dtype.byteCount, length: tensor.byteCount).map(
                Array.init) ?? []
        }
        return switch tensor.dtype.byteCount {
        case 8: gather(bytes, as: UInt64.self)
        case 4: gather(bytes, as: UInt32.self)
        case 2: gather(bytes, as: UInt16.self)
        default: gather(bytes, as: UInt8.self)
        }
    }

    private var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(tensor.shape, strides).reversed() where extent != 1 {
            guard stride == expected else { return false }
            expected *= extent
        }
        return true
    }

    private func gather<Element: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, as type: Element.Type
    ) -> [UInt8] {
        let size = MemoryLayout<Element>.size
        return [UInt8](unsafeUninitializedCapacity: tensor.byteCount) { output, initializedCount in
            let target = UnsafeMutableRawBufferPointer(output)
            // Dimensions of extent 1 may carry any stride, and never step.
            let steps = zip(tensor.shape, strides).filter { $0.0 > 1 }
            var index = [Int](repeating: 0, count: steps.count)
            var source = offset
            for element in 0..<tensor.elementCount {
                let value = bytes.loadUnaligned(fromByteOffset: source * size, as: Element.self)
                target.storeBytes(of: value, toByteOffset: element * size, as: Element.self)
                var dimension = steps.count - 1
                while dimension >= 0 {
                    let (extent, stride) = steps[dimension]
                    index[dimension] += 1
                    source += stride
                    if index[dimension] < extent { break }
                    source -= extent * stride
                    index[dimension] = 0
                    dimension -= 1
                }
            }
            initializedCount = tensor.byteCount
        }
    }
}
