import CTorch
import Glibc

/// One argument of a libtorch operator, in the order of its schema.
public enum OperatorArgument {
    case none
    case tensor(Tensor)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case string(String)
    case ints([Int])
    case doubles([Double])
    case tensors([Tensor])
    /// An empty list whose element type the schema knows (`Scalar?[]`, `Tensor?[]`).
    case emptyList
}

/// An ATen operator, looked up once by its schema name.
public final class Operator: Sendable {
    public let name: String
    private nonisolated(unsafe) let handle: UnsafeRawPointer?

    /// `name` as in libtorch's schemas: `aten::add.Tensor`, namespace first, overload after a dot.
    public init(_ name: String) {
        self.name = name
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        handle = ct_operator_find(parts[0], parts.count > 1 ? parts[1] : "")
    }

    /// Whether this libtorch has the operator.
    public var exists: Bool { handle != nil }

    /// Calls the operator; missing trailing arguments take the schema's defaults.
    ///
    /// - Parameter resultLimit: how many tensors it may return besides one for each it is given.
    /// - Throws: ``TensorError`` with libtorch's reason and the shapes of the tensor arguments.
    @discardableResult
    public func callAsFunction(_ arguments: [OperatorArgument], resultLimit: Int = 8) throws -> [Tensor] {
        guard let handle else {
            throw TensorError(operation: name, reason: "this libtorch (\(libtorchVersion)) does not have it")
        }
        // The lists of all arguments lie in three flat arrays, so that three pointers stay
        // valid for the call and nothing is allocated per argument.
        var integers: [Int64] = []
        var reals: [Double] = []
        var tensors: [OpaquePointer?] = []
        var strings: [UnsafeMutablePointer<CChar>?] = []
        for argument in arguments {
            switch argument {
            case .ints(let list): integers += list.map(Int64.init)
            case .doubles(let list): reals += list
            case .tensor(let tensor): tensors.append(tensor.handle)
            case .tensors(let list): tensors += list.map(\.handle)
            case .string(let text): strings.append(strdup(text))
            default: break
            }
        }
        defer { for string in strings { free(string) } }
        let capacity = resultLimit + tensors.count
        return try withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: capacity) { results in
            results.initialize(repeating: nil)
            var resultCount = 0
            let status = integers.withUnsafeBufferPointer { integers in
                reals.withUnsafeBufferPointer { reals in
                    tensors.withUnsafeBufferPointer { tensors in
                        var nextInteger = integers.baseAddress
                        var nextReal = reals.baseAddress
                        var nextTensor = tensors.baseAddress
                        var nextString = 0
                        let values = arguments.map { argument in
                            var value = ct_value()
                            switch argument {
                            case .none: value.kind = CT_NONE
                            case .emptyList: value.kind = CT_NONE_LIST
                            case .int(let number):
                                value.kind = CT_INT
                                value.integer = Int64(number)
                            case .bool(let flag):
                                value.kind = CT_BOOL
                                value.integer = flag ? 1 : 0
                            case .double(let number):
                                value.kind = CT_DOUBLE
                                value.real = number
                            case .string:
                                value.kind = CT_STRING
                                value.string = UnsafePointer(strings[nextString])
                                nextString += 1
                            case .ints(let list):
                                value.kind = CT_INT_LIST
                                value.integers = nextInteger
                                value.count = list.count
                                nextInteger = nextInteger?.advanced(by: list.count)
                            case .doubles(let list):
                                value.kind = CT_DOUBLE_LIST
                                value.reals = nextReal
                                value.count = list.count
                                nextReal = nextReal?.advanced(by: list.count)
                            case .tensor:
                                value.kind = CT_TENSOR
                                value.tensors = nextTensor
                                nextTensor = nextTensor?.advanced(by: 1)
                            case .tensors(let list):
                                value.kind = CT_TENSOR_LIST
                                value.tensors = nextTensor
                                value.count = list.count
                                nextTensor = nextTensor?.advanced(by: list.count)
                            }
                            return value
                        }
                        return ct_call(
                            handle, values, values.count, results.baseAddress, capacity, &resultCount)
                    }
                }
            }
            guard status == 0 else {
                throw TensorError.last(name, Operator.shapes(of: arguments))
            }
            return results.prefix(resultCount).compactMap { $0.map(Tensor.init(handle:)) }
        }
    }

    /// Calls an operator that has exactly one result.
    public func one(_ arguments: OperatorArgument...) throws -> Tensor {
        guard let result = try self(arguments).first else {
            throw TensorError(operation: name, reason: "the operator returned no tensor")
        }
        return result
    }

    private static func shapes(of arguments: [OperatorArgument]) -> [[Int]] {
        arguments.flatMap { argument -> [[Int]] in
            switch argument {
            case .tensor(let tensor): [tensor.shape]
            case .tensors(let list): list.prefix(4).map(\.shape)
            default: []
            }
        }
    }
}

/// The version of the libtorch this was built with.
public var libtorchVersion: String { String(cString: ct_version()) }
