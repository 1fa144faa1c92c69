/// Reads the pickle of a PyTorch state dictionary without running anything.
///
/// A pickle is a program for a small stack machine, and Python's own machine lets it call
/// any function. This one knows only the instructions that `torch.save` writes for
/// dictionaries, lists, numbers, text and tensors (protocol 2), and only the Python names of
/// ``PickleGlobal``; it stops at the first thing beyond them. The instructions are described
/// in Python's `pickletools` module.
struct PickleMachine {
    /// The longest pickle taken on, in bytes; that of a large model is under a megabyte.
    static let maximumByteCount = 64 << 20
    static let maximumInstructionCount = 1 << 22
    static let maximumStackCount = 1 << 20
    static let maximumTupleDepth = 32

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var stack: [PickleValue] = []
    /// The heights of the stack at which runs of items begin.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// Every list and dictionary made, so that they can be emptied one by one at the end:
    /// they may contain one another, in circles or a million deep.
    private var lists: [PickleList] = []
    private var dictionaries: [PickleDictionary] = []

    private init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Reads a pickle and lends what it holds to `body`, after which it is taken apart.
    ///
    /// - Throws: a `.malformed` or `.unsupported` defect, or what `body` throws.
    static func read<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (PickleValue) throws(FileDefect) -> R
    ) throws(FileDefect) -> R {
        guard bytes.count <= maximumByteCount else {
            throw .unsupported("its pickle is \(bytes.count) bytes long, more than is read")
        }
        var machine = PickleMachine(bytes)
        defer { machine.emptyContainers() }
        return try body(try machine.run())
    }

    private func emptyContainers() {
        for list in lists { list.items = [] }
        for dictionary in dictionaries { dictionary.members = [] }
    }

    private func damaged(_ what: String) -> FileDefect {
        .malformed("its pickle is damaged (\(what) at byte \(position))")
    }

    private mutating func run() throws(FileDefect) -> PickleValue {
        for _ in 0..<Self.maximumInstructionCount {
            let code = try takeNumber(UInt8.self)
            if code == UInt8(ascii: ".") {
                let value = try pop()
                guard stack.isEmpty, marks.isEmpty, position == bytes.count else {
                    throw damaged("something left over")
                }
                return value
            }
            try execute(code)
        }
        throw .unsupported("its pickle has more instructions than are read")
    }

    private mutating func execute(_ code: UInt8) throws(FileDefect) {
        switch Unicode.Scalar(code) {
        case "\u{80}":
            let version = try takeNumber(UInt8.self)
            guard version == 2 else {
                throw .unsupported(
                    "its pickle uses protocol \(version); only 2, PyTorch's own choice, is read")
            }
        case "N": try push(.none)
        case "\u{88}": try push(.bool(true))
        case "\u{89}": try push(.bool(false))
        case "J": try push(.integer(Int(try takeNumber(Int32.self))))
        case "K": try push(.integer(Int(try takeNumber(UInt8.self))))
        case "M": try push(.integer(Int(try takeNumber(UInt16.self))))
        case "\u{8A}": try push(.integer(try takeLong()))
        case "G": try push(.real(Double(bitPattern: try takeNumber(UInt64.self).byteSwapped)))
        case "X": try push(.string(try takeText(length: Int(try takeNumber(UInt32.self)))))
        case "\u{8C}": try push(.string(try takeText(length: Int(try takeNumber(UInt8.self)))))
        case "c":
            let module = try takeLine()
            try push(.global(try PickleGlobal(module: module, name: try takeLine())))
        case "(": marks.append(stack.count)
        case ")": try push(.tuple([], depth: 1))
        case "t": try pushTuple(try popToMark())
        case "\u{85}": try pushTuple(try pop(1))
        case "\u{86}": try pushTuple(try pop(2))
        case "\u{87}": try pushTuple(try pop(3))
        case "]":
            let list = PickleList()
            lists.append(list)
            try push(.list(list))
        case "}": try push(makeDictionary(isOrdered: false))
        case "a": try append(try pop(1))
        case "e": try append(try popToMark())
        case "s": try setItems(try pop(2))
        case "u": try setItems(try popToMark())
        case "q": try remember(Int(try takeNumber(UInt8.self)))
        case "r": try remember(Int(try takeNumber(UInt32.self)))
        case "h": try recall(Int(try takeNumber(UInt8.self)))
        case "j": try recall(Int(try takeNumber(UInt32.self)))
        case "Q": try pushStorage()
        case "R": try reduce()
        case "b": try build()
        default:
            position -= 1
            throw .unsupported(
                "its pickle has the instruction 0x\(String(code, radix: 16)) at byte \(position), "
                    + "which no plain state dictionary needs")
        }
    }

    // MARK: Reading

    private mutating func takeNumber<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(FileDefect) -> Number {
        guard let number = bytes.littleEndian(type, at: position) else {
            throw damaged("an early end")
        }
        position += MemoryLayout<Number>.size
        return number
    }

    private mutating func takeText(length: Int) throws(FileDefect) -> String {
        guard let part = bytes.part(at: position, length: length) else {
            throw damaged("an early end")
        }
        guard let text = String(validating: part, as: UTF8.self) else {
            throw damaged("text that is not UTF-8")
        }
        position += length
        return text
    }

    /// Text up to the next line feed, which is stepped over.
    private mutating func takeLine() throws(FileDefect) -> String {
        let start = position
        while position - start <= 255, position < bytes.count {
            guard bytes[position] == 0x0A else {
                position += 1
                continue
            }
            let length = position - start
            position = start
            let line = try takeText(length: length)
            position += 1
            return line
        }
        throw damaged("an unfinished name")
    }

    /// A whole number of any length; only those that fit in an `Int` are read.
    private mutating func takeLong() throws(FileDefect) -> Int {
        let length = Int(try takeNumber(UInt8.self))
        guard let part = bytes.part(at: position, length: length) else {
            throw damaged("an early end")
        }
        guard length <= 8 else {
            throw .unsupported("its pickle has a number of more than 64 bits")
        }
        position += length
        var number: UInt64 = (part.last ?? 0) & 0x80 == 0 ? 0 : .max
        for byte in part.reversed() { number = number << 8 | UInt64(byte) }
        return Int(Int64(bitPattern: number))
    }

    // MARK: The stack

    private mutating func push(_ value: PickleValue) throws(FileDefect) {
        guard stack.count < Self.maximumStackCount else {
            throw .unsupported("its pickle needs too deep a stack")
        }
        stack.append(value)
    }

    private mutating func pop() throws(FileDefect) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw damaged("too few values")
        }
        return value
    }

    private mutating func pop(_ count: Int) throws(FileDefect) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("too few values") }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    private mutating func popToMark() throws(FileDefect) -> [PickleValue] {
        guard let mark = marks.popLast(), mark <= stack.count else {
            throw damaged("a missing mark")
        }
        let values = Array(stack[mark...])
        stack.removeLast(values.count)
        return values
    }

    /// The value on top of the stack, which stays there.
    private func top() throws(FileDefect) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw damaged("too few values")
        }
        return value
    }

    private mutating func remember(_ index: Int) throws(FileDefect) {
        memo[index] = try top()
    }

    private mutating func recall(_ index: Int) throws(FileDefect) {
        guard let value = memo[index] else { throw damaged("an unknown reference") }
        try push(value)
    }

    // MARK: Building

    private mutating func pushTuple(_ items: [PickleValue]) throws(FileDefect) {
        var depth = 1
        for case .tuple(_, let inner) in items { depth = max(depth, inner + 1) }
        guard depth <= Self.maximumTupleDepth else {
            throw .unsupported("its pickle nests tuples too deep")
        }
        try push(.tuple(items, depth: depth))
    }

    private mutating func makeDictionary(isOrdered: Bool) -> PickleValue {
        let dictionary = PickleDictionary(isOrdered: isOrdered)
        dictionaries.append(dictionary)
        return .dictionary(dictionary)
    }

    private mutating func append(_ items: [PickleValue]) throws(FileDefect) {
        guard case .list(let list) = try top() else { throw damaged("an item without its list") }
        list.items.append(contentsOf: items)
    }

    private mutating func setItems(_ items: [PickleValue]) throws(FileDefect) {
        guard case .dictionary(let dictionary) = try top(), items.count.isMultiple(of: 2) else {
            throw damaged("a member without its dictionary")
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            dictionary.members.append((key: items[index], value: items[index + 1]))
        }
    }

    /// Puts the storage meant by `('storage', torch.FloatStorage, '0', 'cpu', 123)` in its place.
    private mutating func pushStorage() throws(FileDefect) {
        guard case .tuple(let parts, _) = try pop(), parts.count == 5,
            case .string("storage") = parts[0], case .global(.storageType(let dtype)) = parts[1],
            case .string(let key) = parts[2], case .string = parts[3],
            case .integer(let count) = parts[4], count >= 0
        else { throw damaged("a strange reference to stored elements") }
        try push(.storage(PickledStorage(key: key, dtype: dtype, count: count)))
    }

    /// Builds what calling one of the known Python functions would.
    private mutating func reduce() throws(FileDefect) {
        guard case .tuple(let arguments, _) = try pop(), case .global(let global) = try pop() else {
            throw damaged("a strange call")
        }
        switch global {
        case .orderedDictionary where arguments.isEmpty:
            try push(makeDictionary(isOrdered: true))
        case .rebuildTensor:
            try push(.tensor(try tensor(arguments)))
        case .rebuildParameter:
            // (tensor, requires_grad, backward_hooks)
            guard arguments.count == 3, case .tensor = arguments[0] else { fallthrough }
            try push(arguments[0])
        case .orderedDictionary, .storageType:
            throw damaged("a strange call")
        }
    }

    /// (storage, offset, shape, strides, requires_grad, backward_hooks[, metadata])
    private func tensor(_ arguments: [PickleValue]) throws(FileDefect) -> PickledTensor {
        guard arguments.count == 6 || arguments.count == 7,
            case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw damaged("a strange tensor") }
        if arguments.count == 7, case .dictionary(let metadata) = arguments[6],
            !metadata.members.isEmpty
        {
            throw .unsupported("it has a tensor that is kept conjugated or negated")
        }
        return PickledTensor(
            storage: storage, offset: offset, shape: try wholeNumbers(arguments[2]),
            strides: try wholeNumbers(arguments[3]))
    }

    private func wholeNumbers(_ value: PickleValue) throws(FileDefect) -> [Int] {
        guard case .tuple(let items, _) = value, items.count <= StoredDType.maximumRank else {
            throw damaged("a strange shape")
        }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item else { throw damaged("a strange shape") }
            numbers.append(number)
        }
        return numbers
    }

    /// Drops the attributes of an `OrderedDict`; PyTorch keeps module versions there.
    private mutating func build() throws(FileDefect) {
        _ = try pop()
        guard case .dictionary(let dictionary) = try top(), dictionary.isOrdered else {
            throw .unsupported(
                "its pickle sets attributes on something other than a state dictionary")
        }
    }
}
