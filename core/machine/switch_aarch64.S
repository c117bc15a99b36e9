/* Context switch for aarch64, AAPCS64: x19-x30, the low halves of v8-v15 and FPCR are the
 * callee's to keep. */
        .text

        .macro SAVE
        .cfi_startproc
        sub sp, sp, #176
        .cfi_adjust_cfa_offset 176
        stp x19, x20, [sp, #0]
        stp x21, x22, [sp, #16]
        stp x23, x24, [sp, #32]
        stp x25, x26, [sp, #48]
        stp x27, x28, [sp, #64]
        stp x29, x30, [sp, #80]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp d8, d9, [sp, #96]
        stp d10, d11, [sp, #112]
        stp d12, d13, [sp, #128]
        stp d14, d15, [sp, #144]
        mrs x9, fpcr
        str x9, [sp, #160]
        mov x9, sp
        str x9, [x0]
        .endm

        .macro RESTORE
        mov sp, x1
        ldr x9, [sp, #160]
        msr fpcr, x9
        ldp x19, x20, [sp, #0]
        ldp x21, x22, [sp, #16]
        ldp x23, x24, [sp, #32]
        ldp x25, x26, [sp, #48]
        ldp x27, x28, [sp, #64]
        ldp x29, x30, [sp, #80]
        ldp d8, d9, [sp, #96]
        ldp d10, d11, [sp, #112]
        ldp d12, d13, [sp, #128]
        ldp d14, d15, [sp, #144]
        add sp, sp, #176
        .cfi_adjust_cfa_offset -176
        ret
        .cfi_endproc
        .endm

        .globl wf_switch
        .hidden wf_switch
        .type wf_switch, %function
wf_switch:
        SAVE
        RESTORE
        .size wf_switch, .-wf_switch

        .globl wf_switch_tp
        .hidden wf_switch_tp
        .type wf_switch_tp, %function
wf_switch_tp:
        SAVE
        msr tpidr_el0, x2
        RESTORE
        .size wf_switch_tp, .-wf_switch_tp

/* A new context "returns" here: x19 = entry, x20 = argument. */
        .globl wf_switch_start
        .hidden wf_switch_start
        .type wf_switch_start, %function
wf_switch_start:
        .cfi_startproc
        .cfi_undefined x30
        mov x0, x20
        mov x29, xzr
        mov x30, xzr
        blr x19
        brk #1
        .cfi_endproc
        .size wf_switch_start, .-wf_switch_start

        .section .note.GNU-stack, "", %progbits
