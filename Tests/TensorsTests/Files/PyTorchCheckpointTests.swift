import Foundation
import Testing

@testable import Tensors

@Suite("PyTorch checkpoints: read as PyTorch wrote them")
struct PyTorchCheckpointTests {
    private let folder: FilesTestFolder

    init() throws {
        folder = try FilesTestFolder()
    }

    private func checkpoint(_ zip: ZipWriter) throws -> PyTorchCheckpoint {
        try PyTorchCheckpoint(path: try folder.write(zip.bytes(), to: "model.pth"))
    }

    @Test func aStateDictionaryIsRead() throws {
        let file = try checkpoint(.checkpoint())
        #expect(file.names == ["x"])
        let entry = try #require(file.entry("x"))
        #expect(entry.dtype == .float32 && entry.shape == [4] && entry.byteCount == 16)
        #expect(try file.bytes(of: "x") == littleEndianBytes([0, 1, 2, 3] as [Float]))
        #expect(file.entry("y") == nil)
        let error = try #require(throws: TensorFileError.self) { _ = try file.bytes(of: "y") }
        #expect(error.kind == .missingTensor && error.message.contains("model.pth"))
    }

    @Test func largeArchivesAreRead() throws {
        var zip = ZipWriter.checkpoint()
        zip.isLarge = true
        #expect(try checkpoint(zip).bytes(of: "x") == littleEndianBytes([0, 1, 2, 3] as [Float]))
    }

    @Test(
        arguments: [
            (2, [2], [1], [2, 3]), (0, [2, 2], [1, 2], [0, 2, 1, 3]), (3, [], [], [3]),
            (1, [2, 3], [2, 0], [1, 1, 1, 3, 3, 3]), (0, [2, 1], [2, 99], [0, 2]),
            (0, [3, 2], [1, 1], [0, 1, 1, 2, 2, 3]), (4, [0], [1], []), (0, [2, 0], [7, 7], []),
        ] as [(Int, [Int], [Int], [Float])])
    func viewsAreMadeContiguous(
        offset: Int, shape: [Int], strides: [Int], expected: [Float]
    ) throws {
        let pickle = PickleWriter.stateDictionary(offset: offset, shape: shape, strides: strides)
        let file = try checkpoint(.checkpoint(pickle: pickle))
        #expect(file.entry("x")?.shape == shape)
        #expect(try file.bytes(of: "x") == littleEndianBytes(expected))
    }

    @Test(.enabled(if: FilesTestPython.isAvailable, "\(FilesTestPython.missing)"))
    func whatTorchSavesIsRead() throws {
        let path = folder.file("torch.pth")
        let printed = try FilesTestPython.run(
            """
            import sys, torch
            torch.manual_seed(1)
            block = torch.nn.Sequential(
                torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(5, 2))
            base = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
            plain = {
                'F64': base, 'F32': base.float(), 'F16': base.half(), 'BF16': base.bfloat16(),
                'I64': base.long(), 'I32': base.int(), 'I16': base.short(), 'I8': base.char(),
                'U8': base.byte(), 'BOOL': base > 5, 'turned': base.permute(2, 0, 1),
                'part': base[1:, ::2, 1:3], 'spread': torch.ones(1).expand(3, 2),
                'scalar': torch.tensor(2.5), 'empty': torch.zeros(0, 3),
                'tied': base, 'parameter': torch.nn.Parameter(torch.ones(2)),
                'naïve': torch.zeros(1, dtype=torch.uint8)}
            half = {'turned%d' % s: torch.arange(6).to(t).reshape(2, 3).t() for s, t in
                    [(1, torch.int8), (2, torch.float16), (4, torch.int32)]}
            optimiser = torch.optim.Adam(block.parameters())
            block(torch.zeros(1, 3, 3, 7)).sum().backward()
            optimiser.step()
            everything = {'state_dict': block.state_dict(), 'plain': plain, 'half': half,
                'list': [torch.ones(1), (torch.zeros(2), None)], 'optimiser': optimiser.state_dict(),
                'epoch': 3, 'lr': 1e-4, 'done': False, 'note': 'text', 'none': None,
                'big': -2**40, 'ints': [1, 300, 70000, -1]}
            torch.save(everything, sys.argv[1])

            names = {torch.float64: 'F64', torch.float32: 'F32', torch.float16: 'F16',
                torch.bfloat16: 'BF16', torch.int64: 'I64', torch.int32: 'I32',
                torch.int16: 'I16', torch.int8: 'I8', torch.uint8: 'U8', torch.bool: 'BOOL'}
            def show(path, value):
                if isinstance(value, torch.Tensor):
                    flat = value.detach().contiguous().reshape(-1)
                    data = flat.view(torch.uint8).tolist() if flat.numel() else []
                    print('%s|%s|%s|%s' % (ascii(path)[1:-1], names[value.dtype],
                        list(value.shape), bytes(data).hex()))
                elif isinstance(value, dict):
                    for key in value: show(
                        (path + '.' if path else '') + str(key), value[key])
                elif isinstance(value, (list, tuple)):
                    for i, item in enumerate(value): show('%s.%d' % (path, i), item)
            show('', everything)
            """, path)
        let file = try PyTorchCheckpoint(path: path)
        let expected = printed.split(separator: "\n").map {
            $0.replacingOccurrences(of: "\\xef", with: "ï")
        }
        let found = try file.names.map { name in
            let entry = try #require(file.entry(name))
            let hex = try file.bytes(of: name).map { String(format: "%02x", $0) }.joined()
            return "\(name)|\(entry.dtype.rawValue)|\(entry.shape)|\(hex)"
        }
        #expect(expected.count > 40)
        #expect(found.sorted() == expected.sorted())
        #expect(file.names.contains("state_dict.0.weight"))
        #expect(file.names.contains("optimiser.state.0.exp_avg"))
    }

    @Test(.enabled(if: FilesTestPython.isAvailable, "\(FilesTestPython.missing)"))
    func otherThingsTorchSavesAreRefusedByName() throws {
        _ = try FilesTestPython.run(
            """
            import sys, torch, numpy
            to = lambda name: sys.argv[1] + '/' + name
            torch.save(torch.nn.Linear(2, 2), to('module.pt'))
            torch.save({'x': numpy.float64(1)}, to('numpy.pt'))
            torch.save({'x': torch.zeros(2, dtype=torch.complex64)}, to('complex.pt'))
            torch.save(torch.zeros(2), to('bare.pt'))
            torch.save({'x': torch.zeros(2)}, to('old.pt'), _use_new_zipfile_serialization=False)
            torch.save({'x': torch.zeros(2)}, to('protocol4.pt'), pickle_protocol=4)
            """, folder.path)
        for (name, words) in [
            ("module.pt", "torch.nn.modules.linear.Linear"), ("numpy.pt", "numpy"),
            ("complex.pt", "torch.ComplexFloatStorage"), ("bare.pt", "dictionary of tensors"),
            ("old.pt", "before version 1.6"), ("protocol4.pt", "protocol 4"),
        ] {
            let error = try #require(throws: TensorFileError.self) {
                _ = try PyTorchCheckpoint(path: folder.file(name))
            }
            #expect(error.kind == .unsupported)
            #expect(error.message.contains(name) && error.message.contains(words), "\(error)")
        }
    }
}
