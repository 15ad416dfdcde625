// Which kernels a process uses. `VECSTORE_ISA` is read once, so each case is a process of its own.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecKernelTypes
import VecKernels

/// The emulator that can be a processor without AVX.
private let emulator = "/usr/bin/qemu-x86_64"

@Suite("Choice of the instruction set")
struct DispatchTests {
    @Test("the baseline runs everywhere, and is the least")
    func baselineFirst() {
        #expect(KernelTable.available.first == .baseline)
        #expect(KernelTable.available == KernelTable.available.sorted())
    }

    @Test("a table is for the instruction set asked for", arguments: KernelTable.available)
    func tableForEach(isa: InstructionSet) {
        #expect(KernelTable.table(for: isa).isa == isa)
    }

    @Test("without VECSTORE_ISA it is the most that the processor runs", arguments: [nil, ""])
    func unset(value: String?) throws {
        let most = try #require(KernelTable.available.last)
        #expect(try chosen(value) == most.name)
    }

    @Test("VECSTORE_ISA chooses any that the processor runs", arguments: KernelTable.available)
    func forced(isa: InstructionSet) throws {
        #expect(try chosen(isa.name) == isa.name)
    }

    @Test("a name that is none is not followed, and the note lists the names")
    func unknown() throws {
        let most = try #require(KernelTable.available.last)
        let names = InstructionSet.allCases.map(\.name).joined(separator: ", ")
        #expect(try chosen("sse9") == "\(most.name) (VECSTORE_ISA is not one of \(names))")
    }

    @Test(
        "one that the processor lacks is not followed, and the note says so",
        .enabled(if: FileManager.default.isExecutableFile(atPath: emulator), "qemu-user is not installed"),
        arguments: InstructionSet.allCases.filter { $0 != .baseline })
    func lacking(isa: InstructionSet) throws {
        let note = "this processor does not run the VECSTORE_ISA asked for, \(isa.name)"
        #expect(try chosen(isa.name, on: [emulator, "-cpu", "Nehalem"]) == "baseline (\(note))")
    }
}

/// The instruction set, and the note if any, that `vecstore-kernel-check` says it uses.
private func chosen(_ value: String?, on machine: [String] = []) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(fileURLWithPath: tests).deletingLastPathComponent()
    let command = machine + [folder.appendingPathComponent("vecstore-kernel-check").path, "--which"]
    let child = Process()
    child.executableURL = URL(fileURLWithPath: command[0])
    child.arguments = Array(command.dropFirst())
    child.environment = ProcessInfo.processInfo.environment.filter { $0.key != "VECSTORE_ISA" }
    if let value { child.environment?["VECSTORE_ISA"] = value }
    let output = Pipe()
    child.standardOutput = output
    try child.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    try #require(child.terminationStatus == 0)
    let label = "instruction set in use: "
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(label) })
    return String(line.dropFirst(label.count))
}
