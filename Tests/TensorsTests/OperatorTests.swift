import Testing

@testable import Tensors

/// What libtorch refuses must come back as an error that says what was asked and of what.
struct OperatorTests {
    @Test func aMismatchNamesOperationAndShapes() throws {
        let a = try Tensor.zeros([2, 3])
        let b = try Tensor.zeros([4, 5])
        let error = try #require(throws: TensorError.self) { try a.matmul(b) }
        #expect(error.operation == "aten::matmul")
        #expect(error.shapes == [[2, 3], [4, 5]])
        #expect(error.reason.contains("2x3 and 4x5"))
        #expect(error.description.hasPrefix("aten::matmul on shapes [2, 3], [4, 5]: "))
        #expect(!error.description.contains("\n"))
    }

    @Test func listsOfTensorsAreNamedToo() throws {
        let parts = try [Tensor.zeros([1, 2, 3]), Tensor.zeros([1, 2, 4])]
        let error = try #require(throws: TensorError.self) { try Tensor.concatenated(parts, dim: 0) }
        #expect(error.operation == "aten::cat")
        #expect(error.shapes == [[1, 2, 3], [1, 2, 4]])
    }

    @Test func errorsDoNotStick() throws {
        let a = try Tensor([1, 2, 3])
        #expect(throws: TensorError.self) { try a.reshaped([2, 2]) }
        #expect(try (a + a).floats() == [2, 4, 6])
        let later = try #require(throws: TensorError.self) { try a.narrowed(0, start: 2, count: 5) }
        #expect(later.operation == "aten::narrow")
        #expect(!later.reason.contains("[2, 2]"))
    }

    @Test(arguments: ["aten::no_such_operator", "aten::add.NoSuchOverload", "nonsense", "", "a.b.c"])
    func aMissingOperatorThrows(name: String) throws {
        let missing = Operator(name)
        #expect(!missing.exists)
        let x = try Tensor([1])
        let error = try #require(throws: TensorError.self) { try missing.one(.tensor(x)) }
        #expect(error.operation == name)
        #expect(error.reason.contains(libtorchVersion))
    }

    @Test func argumentsThatFitNoSchemaThrow() throws {
        let x = try Tensor([1, 2])
        #expect(throws: TensorError.self) { try Op.silu([.tensor(x), .int(1), .int(2)]) }
        #expect(throws: TensorError.self) { try Op.silu([]) }
        #expect(throws: TensorError.self) { try Op.silu([.string("x")]) }
        #expect(throws: TensorError.self) { try Op.matmul([.tensor(x)]) }
        #expect(throws: TensorError.self) {
            try Op.pad([.tensor(x), .ints([1, 1]), .string("no such mode")])
        }
    }

    @Test func everyOperatorOfTheEngineExists() {
        let operators = [
            Op.fusedAdamW, Op.foreachLerp, Op.foreachNorm, Op.foreachMul, Op.foreachCopy, Op.conv2d,
            Op.attention, Op.groupNorm, Op.pixelShuffle, Op.pixelUnshuffle, Op.upsampleNearest, Op.pad,
            Op.reorderConvolution, Op.convolutionPointwise, Op.convolutionPointwiseAdd,
        ]
        for one in operators { #expect(one.exists, "\(one.name)") }
    }

    @Test func resultsInAListComeBackInOrder() throws {
        let x = try Tensor((0..<24).map(Float.init), shape: [24, 1])
        let parts = try x.chunks(24, dim: 0)
        #expect(try parts.map { try $0.item() } == (0..<24).map(Double.init))
    }

    @Test func theDomainOfTensorConstructorsIsChecked() throws {
        #expect(throws: TensorError.self) { try Tensor([1, 2, 3], shape: [2, 2]) }
        #expect(throws: TensorError.self) { try Tensor([1, 2], shape: [-1, -2]) }
        #expect(throws: TensorError.self) { try Tensor([Int64(1)], shape: [1], dtype: .float32) }
        #expect(throws: TensorError.self) { try Tensor.zeros([-1]) }
        #expect(throws: TensorError.self) { try Tensor([1, 2]).item() }
        #expect(try Tensor([], shape: [0, 3]).floats().isEmpty)
        #expect(try Tensor([7], shape: []).item() == 7)
    }
}
