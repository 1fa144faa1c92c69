/// Puts a pickle together, one instruction at a time.
struct PickleWriter {
    private(set) var bytes: [UInt8] = [0x80, 2]

    /// `{`names`: tensors}`, each a view of four floats in the storage `0`.
    static func stateDictionary(
        _ names: [String] = ["x"], storageType: String = "FloatStorage", key: String = "0",
        count: Int = 4, offset: Int = 0, shape: [Int] = [4], strides: [Int] = [1]
    ) -> [UInt8] {
        var pickle = PickleWriter()
        pickle.code("}(")
        for name in names {
            pickle.text(name)
            pickle.tensor(
                storageType: storageType, key: key, count: count, offset: offset, shape: shape,
                strides: strides)
        }
        pickle.code("u.")
        return pickle.bytes
    }

    mutating func raw(_ more: [UInt8]) { bytes += more }
    mutating func code(_ letters: String) { bytes += Array(letters.utf8) }

    mutating func text(_ text: String) {
        code("X")
        raw(littleEndianBytes([UInt32(text.utf8.count)]) + Array(text.utf8))
    }

    mutating func global(_ module: String, _ name: String) { code("c\(module)\n\(name)\n") }

    mutating func number(_ number: Int) { raw([0x8A, 8] + littleEndianBytes([number])) }

    mutating func tuple(_ numbers: [Int]) {
        code("(")
        for number in numbers { self.number(number) }
        code("t")
    }

    mutating func tensor(
        storageType: String = "FloatStorage", key: String = "0", count: Int = 4, offset: Int = 0,
        shape: [Int] = [4], strides: [Int] = [1]
    ) {
        global("torch._utils", "_rebuild_tensor_v2")
        code("((")
        text("storage")
        global("torch", storageType)
        text(key)
        text("cpu")
        number(count)
        code("tQ")
        number(offset)
        tuple(shape)
        tuple(strides)
        raw([0x89])
        global("collections", "OrderedDict")
        code(")RtR")
    }
}
