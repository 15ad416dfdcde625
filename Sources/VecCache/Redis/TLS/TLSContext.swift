// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Whom a client trusts and who it is, for all its encrypted connections.
final class TLSContext: @unchecked Sendable {
    // Safety: OpenSSL counts the uses of a context itself, and nothing changes it once it is made.

    let library: OpenSSL
    let context: OpaquePointer
    let options: TLSOptions

    init(_ options: TLSOptions) throws(VecStoreError) {
        library = try OpenSSL.load()
        self.options = options
        guard let context = library.newContext(library.clientMethod()) else {
            throw VecStoreError(.outOfMemory, "no memory for TLS")
        }
        self.context = context
        guard library.controlContext(context, OpenSSL.setMinimumVersion, OpenSSL.tls12, nil) == 1 else {
            throw VecStoreError(.unsupported, "this OpenSSL has no TLS 1.2")
        }
        library.setVerify(context, options.verifiesServer ? OpenSSL.verifyPeer : OpenSSL.verifyNone, nil)
        try trust()
        try identify()
    }

    deinit { library.freeContext(context) }

    private func trust() throws(VecStoreError) {
        guard options.verifiesServer else { return }
        if options.authorityFile == nil && options.authorityDirectory == nil {
            guard library.loadSystemAuthorities(context) == 1 else { throw refusal("the authorities that the system trusts") }
        }
        if let file = options.authorityFile {
            guard library.loadAuthorities(context, file, nil) == 1 else { throw refusal("the authorities in '\(file)'") }
        }
        if let directory = options.authorityDirectory {
            guard library.loadAuthorities(context, nil, directory) == 1 else { throw refusal("the authorities in '\(directory)'") }
        }
    }

    private func identify() throws(VecStoreError) {
        guard let certificate = options.certificateFile, let key = options.keyFile else { return }
        // OpenSSL would ask whoever sits at the terminal.
        library.setPassphrase(context) { _, _, _, _ in -1 }
        guard library.useCertificates(context, certificate) == 1 else { throw refusal("the client certificate '\(certificate)'") }
        guard library.useKey(context, key, OpenSSL.pemFile) == 1 else { throw refusal("the key '\(key)'") }
        guard library.checkKey(context) == 1 else { throw refusal("the key '\(key)', which is not that of the certificate") }
    }

    private func refusal(_ what: String) -> VecStoreError {
        VecStoreError(.invalidArgument, "TLS cannot use \(what): \(library.reason)")
    }
}
