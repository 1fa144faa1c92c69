import Foundation
import Testing

/// Runs `restore` and expects a failure as every failure must be: the status, one sentence on
/// standard error that names its cause, nothing on standard output, and a folder as it was.
@discardableResult
func expectFailure(
    _ arguments: [String], in folder: TestFolder, status: Int32, naming causes: String...,
    environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
) throws -> Executable.Outcome {
    let before = try folder.snapshot()
    let outcome = try Executable.run(arguments, in: folder.path, environment: environment)
    let command = Comment(rawValue: "restore " + arguments.joined(separator: " ") + "\n" + outcome.errors)
    #expect(outcome.status == status, command, sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, command, sourceLocation: sourceLocation)
    #expect(outcome.errorLines.count == 1, command, sourceLocation: sourceLocation)
    #expect(outcome.errors.hasPrefix("restore: "), command, sourceLocation: sourceLocation)
    #expect(outcome.errors.hasSuffix("\n"), command, sourceLocation: sourceLocation)
    for cause in causes { #expect(outcome.errors.contains(cause), command, sourceLocation: sourceLocation) }
    let after = try folder.snapshot()
    #expect(after.keys.sorted() == before.keys.sorted(), command, sourceLocation: sourceLocation)
    #expect(after == before, command, sourceLocation: sourceLocation)
    return outcome
}

/// Runs `restore` and requires that it succeeds and says nothing on standard error.
@discardableResult
func succeed(
    _ arguments: [String], in folder: TestFolder, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> Executable.Outcome {
    let outcome = try Executable.run(arguments, in: folder.path, environment: environment)
    let command = Comment(rawValue: "restore " + arguments.joined(separator: " ") + "\n" + outcome.errors)
    try #require(outcome.status == 0, command, sourceLocation: sourceLocation)
    #expect(outcome.errors.isEmpty, command, sourceLocation: sourceLocation)
    return outcome
}

/// `restore sr` with the tiny model.
@discardableResult
func enlarge(
    _ arguments: String..., in folder: TestFolder, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Executable.Outcome {
    try succeed(["sr", "--model", TestModels.tiny] + arguments, in: folder, sourceLocation: sourceLocation)
}
