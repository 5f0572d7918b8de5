# A guest in one sector: boots in 0.1 s under emulation and shows whether it lives on.
#
# On COM1 it says "boot NNNNNNNN" (how often this disk was booted) and then "tick NNNNNNNN" nine
# times a second; a line of input is echoed.  Every 16 ticks it writes the tick to sector 1 of its
# disk.  A press of the power button (system_powerdown) ends it: "bye".
#
# Sector 1: "gnt!", boots (32 bits, little-endian), ticks (32 bits).

	.code16
	.globl	_start
	.set	data, 0x7e00		# sector 1 in memory
	.set	boots, data + 4
	.set	ticks, data + 8
	.set	com1, 0x3f8
	.set	status, 0x600		# ACPI PM1 registers, where SeaBIOS puts them
	.set	enable, 0x602
	.set	control, 0x604
	.set	button, 0x100

_start:	ljmp	$0, $begin
begin:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	sti
	movb	%dl, drive
	movw	$com1 + 3, %dx		# 115200 baud, 8 bits, no parity
	movb	$0x80, %al
	outb	%al, %dx
	movw	$com1, %dx
	movw	$1, %ax
	outw	%ax, %dx
	movw	$com1 + 3, %dx
	movb	$3, %al
	outb	%al, %dx
	movw	$enable, %dx		# without it the button's press is not recorded
	movw	$button, %ax
	outw	%ax, %dx

	movb	$0x42, %ah
	call	disk
	cmpl	$0x21746e67, data	# "gnt!"
	je	known
	movl	$0x21746e67, data
	movl	$0, boots
known:	incl	boots
	movl	$0, ticks
	movb	$0x43, %ah
	call	disk
	movw	$booted, %si
	movl	boots, %ebx
	call	say

loop:	movl	0x46c, %eax		# the BIOS counts 18.2 times a second
	addl	$2, %eax
wait:	hlt
	call	echo
	cmpl	%eax, 0x46c
	jb	wait
	movw	$status, %dx
	inw	%dx, %ax
	testw	$button, %ax
	jnz	off
	incl	ticks
	movw	$ticked, %si
	movl	ticks, %ebx
	call	say
	testb	$15, ticks
	jnz	loop
	movb	$0x43, %ah
	call	disk
	jmp	loop

off:	movw	$bye, %si
	call	text
	movw	$control, %dx
	movw	$0x2000, %ax		# sleep type 0 is off
	outw	%ax, %dx
	cli
halt:	hlt
	jmp	halt

disk:	movb	drive, %dl		# ah: 0x42 read, 0x43 write
	xorb	%al, %al
	movw	$packet, %si
	int	$0x13
	ret

echo:	pushl	%eax			# what was typed goes back
more:	movw	$com1 + 5, %dx
	inb	%dx, %al
	testb	$1, %al
	jz	none
	movw	$com1, %dx
	inb	%dx, %al
	call	put
	jmp	more
none:	popl	%eax
	ret

say:	call	text			# the text at si, then ebx as eight digits
	movw	$8, %cx
digit:	roll	$4, %ebx
	movb	%bl, %al
	andb	$15, %al
	addb	$'0', %al
	cmpb	$'9', %al
	jbe	small
	addb	$'a' - '9' - 1, %al
small:	call	put
	loop	digit
	movw	$end, %si
text:	lodsb
	testb	%al, %al
	jz	done
	call	put
	jmp	text
put:	pushw	%ax
	movw	$com1 + 5, %dx
full:	inb	%dx, %al
	testb	$0x20, %al
	jz	full
	popw	%ax
	movw	$com1, %dx
	outb	%al, %dx
done:	ret

booted:	.asciz	"boot "
ticked:	.asciz	"tick "
bye:	.ascii	"bye"
end:	.asciz	"\r\n"
drive:	.byte	0
	.align	4
packet:	.byte	16, 0			# disk address packet: one sector, number 1, to data
	.word	1, data, 0
	.quad	1
	.org	510
	.word	0xaa55
