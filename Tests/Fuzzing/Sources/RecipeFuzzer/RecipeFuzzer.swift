import Deblur
import Foundation
import SR3
import Training

/// A recipe is read whole or refused by a ``RecipeError`` of one line; a model's configuration
/// that was accepted can be stored with its weights and read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    do {
        let recipe = try Recipe(yaml: text, path: "recipe.yaml")
        switch recipe.task {
        case .sr3(let model, _): try checkStored(model)
        case .deblur(let model, _): try checkStored(model)
        }
    } catch let error as RecipeError {
        check(
            !error.description.unicodeScalars.contains { $0.properties.generalCategory == .control },
            "the message is not one plain line: \(error)")
    } catch {
        fatalError("not a RecipeError: \(error)")
    }
    return 0
}

private func checkStored<Model: Codable & Equatable>(_ model: Model) throws {
    let stored = try JSONEncoder().encode(model)
    let read = try JSONDecoder().decode(Model.self, from: stored)
    check(read == model, "the model changed when stored")
}

/// `precondition` says nothing of its reason in an optimised build.
private func check(_ condition: Bool, _ finding: @autoclosure () -> String) {
    if !condition { fatalError(finding()) }
}
